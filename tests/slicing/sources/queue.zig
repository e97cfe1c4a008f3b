//! A queue with a fixed number of places.
const std = @import("std");
const Allocator = std.mem.Allocator;

pub const max_places = 1024;

pub const Error = error{
    Full,
    Empty,
};

/// How a queue treats a value too many.
pub const Policy = enum {
    refuse,
    drop_oldest,

    pub fn isStrict(self: Policy) bool {
        return self == .refuse;
    }
};

pub const Stats = struct {
    pushed: usize = 0,
    popped: usize = 0,
};

const Value = union(enum) {
    number: i64,
    text: []const u8,
};

/// A queue of values of one type.
pub fn Queue(comptime T: type) type {
    return struct {
        const Self = @This();

        places: []T,
        head: usize = 0,
        count: usize = 0,

        pub fn init(allocator: Allocator, size: usize) !Self {
            if (size > max_places) return Error.Full;
            const places = try allocator.alloc(T, size);
            return Self{ .places = places };
        }

        /// Adds a value at the end.
        pub fn push(self: *Self, value: T) Error!void {
            if (self.count == self.places.len) return Error.Full;
            const at = (self.head + self.count) % self.places.len;
            self.places[at] = value;
            self.count += 1;
        }
    };
}

fn total(stats: []const Stats) usize {
    var sum: usize = 0;
    for (stats) |entry| {
        sum += entry.pushed;
    }
    return sum;
}

test "push until it is full" {
    var queue = try Queue(u8).init(std.testing.allocator, 1);
    try queue.push(1);
    try std.testing.expectError(Error.Full, queue.push(2));
}
