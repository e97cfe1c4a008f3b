package org.example.ledger;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * An account book.
 */
@SuppressWarnings("unused")
public final class Ledger<T extends Entry> implements Iterable<T> {
    public static final int LIMIT = 1_000;

    private final List<T> entries = new ArrayList<>();
    private String owner;

    public Ledger(String owner) {
        this.owner = owner;
        if (owner == null || owner.isBlank()) {
            throw new IllegalArgumentException("a ledger has an owner");
        }
    }

    public String getOwner() {
        return owner;
    }

    public void setOwner(String owner) {
        this.owner = owner;
    }

    public int size() {
        return entries.size();
    }

    /**
     * The sum of all entries that are accepted.
     */
    public BigDecimal total(Predicate<? super T> accepted) {
        BigDecimal sum = BigDecimal.ZERO;
        for (T entry : entries) {
            if (accepted.test(entry)) {
                sum = sum.add(entry.amount());
            }
        }
        return sum;
    }

    // The order of entries is that of booking.
    @Override
    public java.util.Iterator<T> iterator() {
        return new java.util.Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                return next < entries.size();
            }

            @Override
            public T next() {
                return entries.get(next++);
            }
        };
    }

    static class Builder {
        private final List<Entry> pending = new ArrayList<>();

        Builder add(Entry entry) {
            if (pending.size() >= LIMIT) {
                throw new IllegalStateException("full");
            }
            pending.add(entry);
            return this;
        }

        Ledger<Entry> build(String owner) {
            Ledger<Entry> ledger = new Ledger<>(owner);
            ledger.entries.addAll(pending);
            return ledger;
        }
    }
}

interface Entry {
    BigDecimal amount();

    default boolean isCredit() {
        return amount().signum() > 0;
    }
}

enum Currency {
    EUR("€"),
    USD("$");

    private final String sign;

    Currency(String sign) {
        this.sign = sign;
    }
}

record Booking(String text, BigDecimal amount) implements Entry {
    Booking {
        java.util.Objects.requireNonNull(text);
    }
}

@interface Audited {
    String value() default "";
}
