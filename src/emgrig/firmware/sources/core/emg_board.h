/* emg_board.h: the board link, version 1 (docs/protocol.md), on top of ten functions of a target.
 *
 *     static struct emg_board board;
 *     emg_board_init(&board, &hal, &facts);
 *     emg_connected(&board, 0);            a serial line is open from the beginning
 *     emg_boot(&board, EMG_CAUSE_POWER_ON);
 *     for (;;) { (void)emg_poll(&board); }
 *
 * and emg_drdy(&board, time) in the interrupt of DRDY. Everything else is called from one place,
 * the loop or one task. Nothing is allocated, and nothing waits longer than 40 ms but emg_boot.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMG_BOARD_H
#define EMG_BOARD_H

#include "emg_run.h"

enum emg_cause {
    EMG_CAUSE_POWER_ON = 1,
    EMG_CAUSE_RESET_PIN = 2,
    EMG_CAUSE_WATCHDOG = 3,
    EMG_CAUSE_BROWN_OUT = 4,
    EMG_CAUSE_REQUESTED = 5
};

/* What the board can beyond the least; a request for anything else is refused. */
#define EMG_CAN_SET_LINE (UINT32_C(1) << 0)
#define EMG_CAN_IDENTIFY (UINT32_C(1) << 1)
#define EMG_CAN_COUNTER (UINT32_C(1) << 2)
#define EMG_CAN_TRIGGER (UINT32_C(1) << 3)
#define EMG_CAN_REBOOT (UINT32_C(1) << 4)
#define EMG_IS_SIMULATED (UINT32_C(1) << 31)

/* Who the board is; told in HELLO. */
struct emg_facts {
    const char *serial_number; /* texts: at most EMG_MAX_TEXT bytes of UTF-8 */
    const char *firmware_version;
    const char *git_revision;
    uint8_t n_chips;           /* 1 to EMG_MAX_CHIPS */
    uint8_t channels_per_chip; /* 8, 6 or 4 */
    uint8_t lines;             /* bit 0 START, 1 RESET, 2 PWDN: pins that are connected */
    uint8_t n_series;          /* entries of series_ohm, at most 32 */
    const uint32_t *series_ohm;
    uint32_t f_clk_hz;
    uint32_t vref_uv;
    uint32_t channels_wired; /* bit n-1: channel n has electrodes */
    uint32_t capabilities;   /* of EMG_CAN_... */
    uint32_t transmit_bytes; /* of samples that may wait: EMG_TX_BYTES or less */
    uint64_t linger_us;      /* how long a run goes on with nobody to read it */
};

struct emg_board {
    const struct emg_hal *hal;
    const struct emg_facts *facts;
    struct emg_edges edges;
    struct emg_chips chips;
    struct emg_run run;
    struct emg_link links[EMG_MAX_LINKS];
    uint32_t bad_crc; /* of links that are gone */
    uint32_t tx_most;
    bool is_reboot_due;
    uint64_t reboot_us;
};

/* Once, before all else. */
void emg_board_init(struct emg_board *board, const struct emg_hal *hal,
                    const struct emg_facts *facts);
/* Reset the chips, forget everything but who is connected, and say BOOT. Takes 150 ms. */
void emg_boot(struct emg_board *board, enum emg_cause cause);
/* A falling edge of DRDY of the first chip; `time_us` is hal->now_us at the edge. */
void emg_drdy(struct emg_board *board, uint64_t time_us);
/* An edge on a trigger input, 1 is the first. */
void emg_trigger(struct emg_board *board, uint8_t line, bool is_high);
/* A PC came, a PC went. */
void emg_connected(struct emg_board *board, uint8_t link);
void emg_disconnected(struct emg_board *board, uint8_t link);
/* One round: frames, then bytes from and to the PCs. True: call again at once. */
bool emg_poll(struct emg_board *board);

/* For emg_run.c: tell the one who reads the run, or all if nobody does. */
void emg_board_event(struct emg_board *board, enum emg_event event, uint32_t conversion,
                     uint64_t time_us, const struct emg_out *body);
/* For emg_board.c: do what a request asks for; writes the whole payload of the reply. */
void emg_request(struct emg_board *board, struct emg_link *link, const uint8_t *payload,
                 uint16_t n, struct emg_out *reply);

#endif
