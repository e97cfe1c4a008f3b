-- Orders and who placed them.
CREATE TABLE customers (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT UNIQUE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE shop.orders (
    id BIGINT PRIMARY KEY,
    customer_id BIGINT REFERENCES customers (id),
    total NUMERIC(10, 2) NOT NULL
);

CREATE INDEX orders_by_customer ON shop.orders (customer_id);
CREATE UNIQUE INDEX customers_by_email ON customers (email);

/* Customers with what they spent. */
CREATE VIEW spending AS
SELECT c.name, sum(o.total) AS spent
FROM customers c
JOIN shop.orders o ON o.customer_id = c.id
GROUP BY c.name
ORDER BY spent DESC;

CREATE TYPE mood AS ENUM ('good', 'bad');

CREATE FUNCTION spent_by(customer BIGINT) RETURNS NUMERIC AS $$
    SELECT coalesce(sum(total), 0)
    FROM shop.orders
    WHERE customer_id = customer;
$$ LANGUAGE sql;

INSERT INTO customers (id, name) VALUES (1, 'Ada');
INSERT INTO customers (id, name) VALUES (2, 'Bob');
UPDATE customers SET email = 'ada@example.org' WHERE id = 1;

SELECT name, spent
FROM spending
WHERE spent > 100
LIMIT 10;
