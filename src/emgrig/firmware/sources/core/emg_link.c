/* emg_link.c: see emg_link.h.
 *
 * Part of emgrig, MIT licence.
 */
#include "emg_link.h"

#include <string.h>

void emg_link_open(struct emg_link *link)
{
    const uint8_t number = link->number;
    (void)memset(link, 0, sizeof *link);
    link->number = number;
    link->is_open = true;
}

static uint8_t waiting_byte(const struct emg_link *link, uint32_t at)
{
    return link->tx[(link->tx_begin + at) % sizeof link->tx];
}

void emg_link_drain(struct emg_link *link, const struct emg_hal *hal)
{
    while (link->tx_bytes > 0u) {
        if (link->packet_left == 0u) { /* the next packet: its header says how long it is */
            const uint16_t length =
                (uint16_t)(waiting_byte(link, 6) | (uint16_t)(waiting_byte(link, 7) << 8));
            link->packet_left = (uint16_t)(length + EMG_OVERHEAD_BYTES);
            link->packet_frames =
                (waiting_byte(link, 3) == EMG_SAMPLES) ? waiting_byte(link, 20) : 0u;
        }
        size_t n = sizeof link->tx - link->tx_begin; /* up to where the ring begins anew */
        if (n > link->packet_left) {
            n = link->packet_left;
        }
        const size_t taken = hal->send(hal->context, link->number, &link->tx[link->tx_begin], n);
        if ((taken == 0u) || (taken > n)) {
            break;
        }
        link->tx_begin = (uint32_t)((link->tx_begin + taken) % sizeof link->tx);
        link->tx_bytes -= (uint32_t)taken;
        link->packet_left = (uint16_t)(link->packet_left - taken);
        if (link->packet_left == 0u) {
            link->frames_gone += link->packet_frames;
            link->frames_waiting -= link->packet_frames;
        }
    }
}

static void append(struct emg_link *link, const uint8_t *bytes, uint16_t n)
{
    uint32_t at = (uint32_t)((link->tx_begin + link->tx_bytes) % sizeof link->tx);
    for (uint16_t i = 0; i < n; i++) {
        link->tx[at] = bytes[i];
        at = ((at + 1u) < sizeof link->tx) ? (at + 1u) : 0u;
    }
    link->tx_bytes += n;
}

bool emg_link_send(struct emg_link *link, const struct emg_hal *hal, enum emg_packet type,
                   const struct emg_out *head, const uint8_t *body, uint16_t n, uint8_t frames,
                   uint32_t limit)
{
    emg_link_drain(link, hal);
    const uint16_t length = (uint16_t)(head->n + n);
    const uint32_t most = (limit < sizeof link->tx) ? limit : (uint32_t)sizeof link->tx;
    if ((link->tx_bytes + length + EMG_OVERHEAD_BYTES) > most) {
        return false;
    }
    uint8_t bytes[EMG_HEADER_BYTES];
    struct emg_out out = {bytes, 0, sizeof bytes};
    emg_put16(&out, 0x5AA5u);
    emg_put8(&out, EMG_VERSION);
    emg_put8(&out, (uint8_t)type);
    emg_put16(&out, link->sequence);
    emg_put16(&out, length);
    uint32_t crc = emg_crc(EMG_CRC_BEGIN, &bytes[2], EMG_HEADER_BYTES - 2u);
    crc = emg_crc(crc, head->bytes, head->n);
    crc = EMG_CRC_END(emg_crc(crc, body, n));
    append(link, bytes, EMG_HEADER_BYTES);
    append(link, head->bytes, head->n);
    append(link, body, n);
    out.n = 0;
    emg_put32(&out, crc);
    append(link, bytes, EMG_CRC_BYTES);
    link->sequence++;
    link->frames_waiting += frames;
    emg_link_drain(link, hal);
    if (link->tx_bytes > link->tx_most) {
        link->tx_most = link->tx_bytes;
    }
    return true;
}
