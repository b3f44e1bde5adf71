/* emg_wire.c: see emg_wire.h.
 *
 * Part of emgrig, MIT licence.
 */
#include "emg_wire.h"

#include <string.h>

#define SYNC_0 0xA5u
#define SYNC_1 0x5Au

/* The reflected polynomial 04C11DB7h, four bits at a time: 64 bytes of table instead of 1 KiB. */
static const uint32_t crc_of_nibble[16] = {
    0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
    0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
    0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
};

uint32_t emg_crc(uint32_t crc, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ crc_of_nibble[crc & 0x0Fu];
        crc = (crc >> 4) ^ crc_of_nibble[crc & 0x0Fu];
    }
    return crc;
}

uint16_t emg_get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | (uint16_t)(bytes[1] << 8));
}

uint32_t emg_get32(const uint8_t *bytes)
{
    return (uint32_t)emg_get16(bytes) | ((uint32_t)emg_get16(bytes + 2) << 16);
}

void emg_put8(struct emg_out *out, uint8_t value)
{
    if (out->n < out->size) {
        out->bytes[out->n] = value;
        out->n++;
    }
}

void emg_put16(struct emg_out *out, uint16_t value)
{
    emg_put8(out, (uint8_t)(value & 0xFFu));
    emg_put8(out, (uint8_t)(value >> 8));
}

void emg_put32(struct emg_out *out, uint32_t value)
{
    emg_put16(out, (uint16_t)(value & 0xFFFFu));
    emg_put16(out, (uint16_t)(value >> 16));
}

void emg_put64(struct emg_out *out, uint64_t value)
{
    emg_put32(out, (uint32_t)(value & 0xFFFFFFFFu));
    emg_put32(out, (uint32_t)(value >> 32));
}

void emg_put_bytes(struct emg_out *out, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        emg_put8(out, bytes[i]);
    }
}

void emg_put_text(struct emg_out *out, const char *text)
{
    size_t n = 0;
    while ((n < EMG_MAX_TEXT) && (text[n] != '\0')) {
        n++;
    }
    emg_put8(out, (uint8_t)n);
    emg_put_bytes(out, (const uint8_t *)text, n);
}

uint8_t *emg_rx_room(struct emg_rx *rx, size_t *n)
{
    *n = sizeof rx->bytes - rx->n;
    return &rx->bytes[rx->n];
}

/* Bytes of the packet at `at`: 0 if there is none, EMG_MAX_PACKET + 1 if more must come first. */
static uint16_t packet_at(struct emg_rx *rx, uint16_t at)
{
    const uint16_t more = EMG_MAX_PACKET + 1u;
    const uint16_t n = (uint16_t)(rx->n - at);
    const uint8_t *bytes = &rx->bytes[at];
    if ((bytes[0] != SYNC_0) || ((n > 1u) && (bytes[1] != SYNC_1)) ||
        ((n > 2u) && (bytes[2] != EMG_VERSION))) {
        return 0;
    }
    if (n < EMG_HEADER_BYTES) {
        return more;
    }
    const uint16_t length = emg_get16(&bytes[6]);
    if (length > EMG_MAX_PAYLOAD) {
        return 0;
    }
    const uint16_t total = (uint16_t)(length + EMG_OVERHEAD_BYTES);
    if (n < total) {
        return more;
    }
    const uint32_t crc = emg_crc(EMG_CRC_BEGIN, &bytes[2], (size_t)total - 2u - EMG_CRC_BYTES);
    if (EMG_CRC_END(crc) != emg_get32(&bytes[total - EMG_CRC_BYTES])) {
        rx->bad_crc++;
        return 0;
    }
    return total;
}

const uint8_t *emg_rx_packet(struct emg_rx *rx)
{
    uint16_t at = rx->used;
    uint16_t found = 0;
    while ((at < rx->n) && (found == 0u)) {
        found = packet_at(rx, at);
        if (found == 0u) {
            at++; /* a false sync costs one byte */
        }
    }
    rx->n = (uint16_t)(rx->n - at);
    (void)memmove(rx->bytes, &rx->bytes[at], rx->n);
    rx->used = (found <= EMG_MAX_PACKET) ? found : 0u;
    return (rx->used != 0u) ? rx->bytes : NULL;
}
