/* emg_run.h: one run, from START to STOP: edges of DRDY, frames, packets, and what was lost.
 *
 * While a run is on: conversions = frames sent + missed + thrown away + waiting for the link
 * + not packed yet.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMG_RUN_H
#define EMG_RUN_H

#include "emg_chip.h"
#include "emg_link.h"

#define EMG_CHIP_FRAME_BYTES 27u /* of the ADS1299; 21 of the ADS1299-6, 15 of the ADS1299-4 */
#define EMG_SAMPLES_HEAD_BYTES 18u

enum emg_event {
    EMG_BOOT = 1,
    EMG_LEAD_OFF = 2,
    EMG_TRIGGER = 3,
    EMG_OVERFLOW = 4,
    EMG_CHIP_LOST = 5,
    EMG_COUNTER = 6
};

/* Written by emg_drdy, which may be an interrupt. */
struct emg_edges {
    volatile uint32_t n; /* falling edges of DRDY since boot */
    volatile uint64_t time_us;
};

struct emg_run {
    bool is_on;
    bool is_lost; /* the watched register changed */
    uint16_t number;
    uint8_t frames_per_packet;
    uint8_t frame_bytes; /* of all chips */
    uint8_t chip_bytes;
    uint32_t first_edge; /* edges before this run */
    uint32_t edges_seen;
    uint32_t conversions; /* of this run, or of the last one */
    uint32_t next_index;
    uint32_t missed;
    uint32_t thrown_away;
    uint32_t frames_gone; /* through links that this run has left; see emg_run_frames_sent */
    uint32_t gone_before; /* of its link, with what waited there when it took it */
    uint32_t unreported;  /* of those thrown away, since the last OVERFLOW */
    uint32_t brown_outs;
    uint64_t begun_us;
    uint64_t last_edge_us; /* of the frame that was read last, or the START */
    uint64_t watched_us;
    uint64_t reported_us; /* the last OVERFLOW; 0: none */
    uint64_t alone_us;    /* since when nobody listens */
    uint32_t period_us;   /* 0: not known yet */
    struct emg_link *link; /* where packets go; NULL throws them away and counts them */

    uint8_t canary; /* address of the watched register */
    uint8_t canary_values[EMG_MAX_CHIPS];

    uint32_t off_positive; /* electrodes, as the last LEAD_OFF said */
    uint32_t off_negative;
    uint32_t quiet_until; /* the next LEAD_OFF not before this conversion */

    uint8_t n_pending; /* frames of consecutive conversions that do not fill a packet yet */
    uint32_t pending_index;
    uint64_t pending_us;
    uint16_t pending_flags;
    uint16_t next_flags;
    uint8_t pending[EMG_MAX_FRAMES * EMG_MAX_CHIPS * EMG_CHIP_FRAME_BYTES];
};

struct emg_board;

uint8_t emg_run_max_frames(const struct emg_board *board);
void emg_run_start(struct emg_board *board, struct emg_link *link, uint8_t frames_per_packet,
                   uint8_t canary);
void emg_run_stop(struct emg_board *board);
/* Read the frames that are there, and look after the run; true if there was one. */
bool emg_run_poll(struct emg_board *board);
/* Read the next frame and close the packet, so that there is time for a command. */
void emg_run_make_way(struct emg_board *board);
/* Send packets there from now on; NULL: nobody listens. */
void emg_run_attach(struct emg_board *board, struct emg_link *link);
/* Its link is gone, and what waited there will never be sent. */
void emg_run_link_lost(struct emg_board *board);
uint32_t emg_run_frames_sent(const struct emg_run *run);

#endif
