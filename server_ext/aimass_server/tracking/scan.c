/* Many records of an event file at once: what bulk.py does with NumPy, compiled where there is a
 * compiler. It takes records up to the first that it is not sure of, and leaves that one to Python.
 *
 * It reads a block of memory and writes the caller's columns; it allocates nothing, opens nothing,
 * and never reads past the block.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#define HEADER 12
#define FOOTER 4
#define LONGEST (64u << 20)

struct tag {
    int64_t offset; /* of its first occurrence in the block */
    int64_t size;
};

static uint32_t tables[8][256];

static void make_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
        tables[0][byte] = crc;
    }
    for (int far = 1; far < 8; far++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t near = tables[far - 1][byte];
            tables[far][byte] = near >> 8 ^ tables[0][near & 255];
        }
}

static uint32_t crc_by_tables(const uint8_t *at, size_t size) {
    uint32_t crc = ~0u;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        word ^= crc;
        crc = 0;
        for (int byte = 0; byte < 8; byte++) crc ^= tables[7 - byte][word >> 8 * byte & 255];
    }
    for (; size; size--, at++) crc = crc >> 8 ^ tables[0][(crc ^ *at) & 255];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_by_processor(const uint8_t *at, size_t size) {
    uint64_t crc = ~0u;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        crc = _mm_crc32_u64(crc, word);
    }
    for (; size; size--, at++) crc = _mm_crc32_u8((uint32_t)crc, *at);
    return ~(uint32_t)crc;
}
#endif

static uint32_t (*crc_of)(const uint8_t *, size_t) = crc_by_tables;

/* Call once, before anything else. */
void prepare(void) {
    make_tables();
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2")) crc_of = crc_by_processor;
#endif
}

static int sound(const uint8_t *at, size_t size) {
    uint32_t crc = crc_of(at, size), stored;
    memcpy(&stored, at + size, 4);
    return stored == (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

/* A varint of at most two bytes; -1 for another. */
static int64_t small(const uint8_t **at, const uint8_t *end) {
    if (*at < end && **at < 0x80) return *(*at)++;
    if (end - *at < 2 || (*at)[1] >= 0x80) return -1;
    int64_t value = ((*at)[0] & 0x7F) | (int64_t)(*at)[1] << 7;
    *at += 2;
    return value;
}

/* The content of a field with this key that fills the rest; 0 when it is not there. */
static int enter(const uint8_t **at, const uint8_t *end, uint8_t key) {
    if (*at >= end || *(*at)++ != key) return 0;
    return small(at, end) == end - *at;
}

/* One event that is one point and nothing else; returns the size of its tag, or 0. */
static int64_t point(const uint8_t *at, const uint8_t *end, const uint8_t **tag, int64_t *step,
                     double *time, double *value) {
    if (end - at < 20 || at[0] != 0x09 || at[9] != 0x10) return 0;
    memcpy(time, at + 1, 8);
    uint64_t bits = 0;
    int shift = 0;
    for (at += 10;; at++, shift += 7) {
        if (at >= end || shift > 63) return 0;
        bits |= (uint64_t)(*at & 0x7F) << shift;
        if (*at < 0x80) break;
    }
    at++;
    if (!enter(&at, end, 0x2A) || !enter(&at, end, 0x0A)) return 0;
    if (at >= end || *at++ != 0x0A) return 0;
    int64_t size = small(&at, end);
    if (size <= 0 || size != end - at - 5 || at[size] != 0x15) return 0;
    float number;
    memcpy(&number, at + size + 1, 4);
    uint64_t exponent;
    memcpy(&exponent, time, 8);
    if ((exponent >> 52 & 0x7FF) == 0x7FF) return 0; /* no time is infinite */
    *tag = at;
    *value = number;
    memcpy(step, &bits, 8);
    return size;
}

static int32_t find(const uint8_t *block, const uint8_t *tag, int64_t size, struct tag *tags,
                    int32_t *known, int32_t most, int32_t guess) {
    for (int32_t turn = 0; turn < *known; turn++) {
        int32_t number = (guess + turn) % *known;
        if (tags[number].size == size && !memcmp(block + tags[number].offset, tag, (size_t)size))
            return number;
    }
    if (*known == most) return -1;
    tags[*known].offset = tag - block;
    tags[*known].size = size;
    return (*known)++;
}

/* Reads records from *position on, one point each, into the columns; returns how many. *position
 * is then where it stopped: at the end, or at a record that must be looked at alone. */
int64_t scan(const uint8_t *block, int64_t length, int64_t *position, int64_t most, int32_t *which,
             int64_t *steps, double *times, double *values, struct tag *tags, int32_t *known,
             int32_t most_tags) {
    int64_t count = 0, at = *position;
    int32_t last = -1;
    while (count < most && length - at >= HEADER) {
        uint64_t size;
        memcpy(&size, block + at, 8);
        if (!size || size > LONGEST || (int64_t)size > length - at - HEADER - FOOTER) break;
        if (!sound(block + at, 8) || !sound(block + at + HEADER, size)) break;
        const uint8_t *tag, *body = block + at + HEADER;
        int64_t width = point(body, body + size, &tag, steps + count, times + count, values + count);
        if (!width) break;
        int32_t number = find(block, tag, width, tags, known, most_tags, last + 1);
        if (number < 0) break;
        which[count++] = last = number;
        at += (int64_t)size + HEADER + FOOTER;
    }
    *position = at;
    return count;
}
