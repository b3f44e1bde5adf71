/* bench_hal.c: see bench_hal.h.
 *
 * The bench has no interrupts: whenever a call has let time pass over a fall of DRDY, emg_drdy is
 * called with the time at which that is seen.
 *
 * Part of emgrig, MIT licence.
 */
#include "bench_hal.h"

#include "emgrig_chip.h"

/* 1: hold CS ourselves for frames too, at five round trips each. */
#ifndef BENCH_EXACT
#define BENCH_EXACT 0
#endif

static struct emg_board *board;
static unsigned n_chips;
static double origin_us; /* the bench's time at which the board's began */
static double time_us;   /* the bench's, as of the last call: to ask for it often lets it pass */
static uint32_t falls_of_all;
static int64_t falls_of_first;

static uint64_t now_us(void *context)
{
    (void)context;
    return (uint64_t)(time_us - origin_us);
}

static void interrupt(void)
{
    uint32_t n = emgrig_drdy_falls() - falls_of_all;
    time_us = emgrig_now_us();
    if (n == 0u) {
        return;
    }
    falls_of_all += n;
    if (n_chips > 1u) { /* they fall for each chip; this is a round trip */
        const int64_t falls = emgrig_drdy_count(0);
        n = (uint32_t)(falls - falls_of_first);
        falls_of_first = falls;
    }
    const uint64_t seen_us = now_us(NULL);
    for (; n > 0u; n--) {
        emg_drdy(board, seen_us);
    }
}

static void delay_us(void *context, uint32_t us)
{
    (void)context;
    (void)emgrig_advance_us(us);
    interrupt();
}

void bench_idle_us(void *context, uint32_t us)
{
    (void)context;
    (void)emgrig_wait_drdy(0, 1, us);
    interrupt();
}

static void transfer(void *context, uint32_t chips, const uint8_t *tx, uint8_t *rx, size_t n,
                     uint32_t sclk_hz, uint32_t hold_us)
{
    (void)context;
    emgrig_clocking(1, sclk_hz);
    if ((tx == NULL) && (BENCH_EXACT == 0)) { /* a frame, in one round trip; `--processor` holds CS */
        int chip = 0;
        while ((chips >> chip) != 1u) {
            chip++;
        }
        (void)emgrig_transfer(chip, NULL, rx, n);
        interrupt();
        return;
    }
    for (unsigned chip = 0; chip < n_chips; chip++) {
        if ((chips & (1u << chip)) != 0u) {
            (void)emgrig_select((int)chip);
        }
    }
    (void)emgrig_exchange(tx, rx, n);
    (void)emgrig_advance_us(hold_us);
    for (unsigned chip = 0; chip < n_chips; chip++) {
        if ((chips & (1u << chip)) != 0u) {
            (void)emgrig_deselect((int)chip);
        }
    }
    (void)emgrig_advance_us(hold_us);
    interrupt();
}

static void line(void *context, enum emg_line which, bool is_high)
{
    static const char *const names[] = {"", "START", "RESET", "PWDN"};
    (void)context;
    (void)emgrig_pin_set(EMGRIG_ALL, names[which], is_high ? 1 : 0);
    interrupt();
}

double bench_now_us(void) { return time_us; }

void bench_restart(void) { origin_us = time_us; }

void bench_hal(struct emg_hal *hal, struct emg_board *own, unsigned chips)
{
    board = own;
    n_chips = chips;
    falls_of_first = emgrig_drdy_count(0);
    falls_of_all = emgrig_drdy_falls();
    time_us = emgrig_now_us();
    bench_restart();
    hal->now_us = now_us;
    hal->delay_us = delay_us;
    hal->idle_us = bench_idle_us;
    hal->transfer = transfer;
    hal->line = line;
}
