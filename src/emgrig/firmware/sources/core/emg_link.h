/* emg_link.h: one connection to a PC: what came, what waits to go, what was answered.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMG_LINK_H
#define EMG_LINK_H

#include "emg_config.h"
#include "emg_hal.h"
#include "emg_wire.h"

/* The longest reply but HELLO, STATS: 4 bytes of head and 41. */
#define EMG_REMEMBERED_BYTES 48u
#define EMG_REMEMBERED 8u

/* A reply that was OK, so that a request that comes again is not done again. */
struct emg_remembered {
    uint32_t crc;    /* of the request's payload */
    uint16_t length; /* of the request's payload; 0 is none */
    uint16_t id;
    uint8_t n; /* bytes of the reply; 0: make it anew, as for HELLO, which changes nothing */
    uint8_t reply[EMG_REMEMBERED_BYTES];
};

struct emg_link {
    bool is_open;
    uint8_t number;
    struct emg_rx rx;
    struct emg_remembered remembered[EMG_REMEMBERED];
    uint8_t oldest; /* of them */

    uint8_t tx[EMG_TX_BYTES + EMG_TX_RESERVE]; /* a ring of whole packets */
    uint32_t tx_begin;
    uint32_t tx_bytes;
    uint32_t tx_most;     /* bytes that ever waited */
    uint16_t packet_left; /* bytes of the packet that is on its way; 0: none is */
    uint8_t packet_frames;
    uint16_t sequence;
    uint32_t frames_gone;
    uint32_t frames_waiting;
};

void emg_link_open(struct emg_link *link);
/* Let the link take what it can. */
void emg_link_drain(struct emg_link *link, const struct emg_hal *hal);
/* Put one packet in line: `head` and `body` are its payload, `frames` the samples in it. False if
 * it finds no room among `limit` bytes (EMG_NO_LIMIT: all there are); nothing has changed then. */
#define EMG_NO_LIMIT UINT32_MAX
bool emg_link_send(struct emg_link *link, const struct emg_hal *hal, enum emg_packet type,
                   const struct emg_out *head, const uint8_t *body, uint16_t n, uint8_t frames,
                   uint32_t limit);

#endif
