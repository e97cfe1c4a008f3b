import Foundation

public typealias Seconds = Double

/// What can be played.
public protocol Playable {
    var duration: Seconds { get }
    func play() async throws
}

public enum PlayerError: Error {
    case missing(name: String)
    case busy

    var message: String {
        switch self {
        case .missing(let name): return "no such track: \(name)"
        case .busy: return "already playing"
        }
    }
}

struct Track: Playable, Hashable {
    let name: String
    let duration: Seconds

    func play() async throws {
        guard !name.isEmpty else {
            throw PlayerError.missing(name: name)
        }
        try await Task.sleep(for: .seconds(duration))
    }
}

// Plays one track after the other.
@MainActor
final class Player: ObservableObject {
    @Published private(set) var queue: [Track] = []
    private var current: Track?

    init(queue: [Track]) {
        self.queue = queue
        self.current = queue.first
        self.objectWillChange.send()
    }

    deinit {
        current = nil
    }

    var remaining: Seconds {
        let rest = queue.map(\.duration)
        return rest.reduce(0, +)
    }

    /// Starts the next track.
    func next() async throws {
        guard current == nil else { throw PlayerError.busy }
        guard !queue.isEmpty else { return }
        current = queue.removeFirst()
        try await current?.play()
        current = nil
    }

    subscript(index: Int) -> Track {
        queue[index]
    }
}

extension Player {
    func shuffle() {
        queue.shuffle()
        current = nil
        objectWillChange.send()
    }
}

actor Library {
    private var tracks: Set<Track> = []

    func add(_ track: Track) {
        tracks.insert(track)
    }
}

func formatted(_ seconds: Seconds) -> String {
    let minutes = Int(seconds) / 60
    let rest = Int(seconds) % 60
    return String(format: "%d:%02d", minutes, rest)
}

let defaultVolume = 0.8
