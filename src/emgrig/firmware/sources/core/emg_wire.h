/* emg_wire.h: bytes on the board link: numbers, CRC-32, and the search for packets.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMG_WIRE_H
#define EMG_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMG_VERSION 1u
#define EMG_HEADER_BYTES 8u
#define EMG_CRC_BYTES 4u
#define EMG_OVERHEAD_BYTES (EMG_HEADER_BYTES + EMG_CRC_BYTES)
#define EMG_MAX_PAYLOAD 4096u
#define EMG_MAX_PACKET (EMG_MAX_PAYLOAD + EMG_OVERHEAD_BYTES)

enum emg_packet { EMG_SAMPLES = 0x01, EMG_EVENT = 0x02, EMG_REQUEST = 0x10, EMG_REPLY = 0x11 };

/* CRC-32 as in zlib: begin with EMG_CRC_BEGIN, end with EMG_CRC_END. */
#define EMG_CRC_BEGIN 0xFFFFFFFFu
#define EMG_CRC_END(crc) ((uint32_t) ~(crc))
uint32_t emg_crc(uint32_t crc, const uint8_t *bytes, size_t n);

/* Numbers, little-endian. */
uint16_t emg_get16(const uint8_t *bytes);
uint32_t emg_get32(const uint8_t *bytes);

/* A payload that is being written; what does not fit is left out, and `n` stays within `size`. */
struct emg_out {
    uint8_t *bytes;
    uint16_t n;
    uint16_t size;
};
void emg_put8(struct emg_out *out, uint8_t value);
void emg_put16(struct emg_out *out, uint16_t value);
void emg_put32(struct emg_out *out, uint32_t value);
void emg_put64(struct emg_out *out, uint64_t value);
void emg_put_bytes(struct emg_out *out, const uint8_t *bytes, size_t n);
/* Length and text; at most EMG_MAX_TEXT bytes of it. */
#define EMG_MAX_TEXT 96u
void emg_put_text(struct emg_out *out, const char *text);

/* What came from a PC and is no packet yet: one longest packet. */
struct emg_rx {
    uint8_t bytes[EMG_MAX_PACKET];
    uint16_t n;       /* bytes held */
    uint16_t used;    /* of those, the packet that was returned last */
    uint32_t bad_crc; /* sync bytes that no packet followed, by the CRC */
};
/* Where the next bytes go, and how many fit; add to `n` what was put there. */
uint8_t *emg_rx_room(struct emg_rx *rx, size_t *n);
/* The next whole packet with a good CRC, or NULL; it is there until the next call for `rx`. */
const uint8_t *emg_rx_packet(struct emg_rx *rx);

#endif
