"""PostgreSQL: the durable store that several machines share. Imported only if it is used."""
