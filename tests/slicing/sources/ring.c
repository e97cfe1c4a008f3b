/*
 * A ring buffer of bytes.
 */
#include <stdlib.h>
#include <string.h>

#define RING_MAX 65536
#define RING_NEXT(ring, at) \
    (((at) + 1) % (ring)->size)

typedef unsigned char byte;

typedef struct {
    byte *data;
    size_t size;
    size_t head;
    size_t tail;
} ring_t;

enum ring_state {
    RING_EMPTY,
    RING_PARTIAL,
    RING_FULL,
};

struct ring_stats {
    unsigned long reads;
    unsigned long writes;
};

union ring_word {
    byte bytes[4];
    unsigned int word;
};

static struct ring_stats totals;

int ring_read(ring_t *ring, byte *out);
static void count(unsigned long *counter);

/* Makes a ring; NULL when there is no memory. */
ring_t *ring_new(size_t size)
{
    ring_t *ring;

    if (size == 0 || size > RING_MAX)
        return NULL;
    ring = calloc(1, sizeof(*ring));
    if (!ring)
        return NULL;
    ring->data = malloc(size);
    ring->size = size;
    return ring;
}

// One byte in; 0 when it is full.
int ring_write(ring_t *ring, byte value)
{
    size_t next = RING_NEXT(ring, ring->head);
    if (next == ring->tail)
        return 0;
    ring->data[ring->head] = value;
    ring->head = next;
    count(&totals.writes);
    return 1;
}

#ifdef RING_DEBUG
#include <stdio.h>

void ring_dump(const ring_t *ring)
{
    size_t at = ring->tail;
    while (at != ring->head) {
        printf("%02x ", ring->data[at]);
        at = RING_NEXT(ring, at);
    }
}
#endif

static void count(unsigned long *counter) { ++*counter; }
