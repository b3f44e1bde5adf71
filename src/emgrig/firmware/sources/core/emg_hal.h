/* emg_hal.h: what the core asks of a board; ten functions, and all of them return soon.
 *
 * The core calls them from emg_boot, emg_poll and emg_disconnected only, never from emg_drdy, and
 * they call nothing of the core but emg_drdy.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMG_HAL_H
#define EMG_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pins of the chips, as SET_LINE numbers them; each is common to all chips. */
enum emg_line { EMG_LINE_START = 1, EMG_LINE_RESET = 2, EMG_LINE_PWDN = 3 };

struct emg_hal {
    void *context; /* comes back as the first argument of every function */

    /* Time since boot, us. It never goes back and does not wrap. */
    uint64_t (*now_us)(void *context);
    /* Wait at least so long, interrupts on. */
    void (*delay_us)(void *context, uint32_t us);
    /* Nothing to do for `us`: sleep until then, or until an interrupt. It may return at once. */
    void (*idle_us)(void *context, uint32_t us);
    /* One SPI transfer, mode 1: CS of every chip in the mask `chips` low, `n` bytes, wait
     * `hold_us`, CS high, wait `hold_us`. `tx` NULL sends zeros; `rx` NULL drops what comes, and
     * only then `chips` may be several. */
    void (*transfer)(void *context, uint32_t chips, const uint8_t *tx, uint8_t *rx, size_t n,
                     uint32_t sclk_hz, uint32_t hold_us);
    /* Drive a pin of all chips. A pin that is not connected does nothing. */
    void (*line)(void *context, enum emg_line line, bool is_high);
    /* Bytes from a PC, at most `n` of those that are there; 0 if none are. */
    size_t (*receive)(void *context, uint8_t link, uint8_t *bytes, size_t n);
    /* Bytes to a PC; how many were taken, 0 if the link is full now. */
    size_t (*send)(void *context, uint8_t link, const uint8_t *bytes, size_t n);
    /* The last three may be NULL where the board's facts do not say EMG_CAN_IDENTIFY, EMG_CAN_COUNTER
     * and EMG_CAN_REBOOT. Blink for so long, ms, in the background. */
    void (*blink)(void *context, uint16_t ms);
    /* Show a number on the digital tube. */
    void (*show)(void *context, uint32_t count);
    /* Start anew. It need not return; if it does, emg_boot must follow. */
    void (*reboot)(void *context);
};

#endif
