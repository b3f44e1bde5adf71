/* clock_hal.c: chips by this machine's clock, in the place of bench_hal.c and pace.c: real time.
 *
 * DRDY falls when it is time, whatever the program does meanwhile, and a transfer takes as long as
 * its SCLKs. A chip answers to registers and opcodes; a result is the number of its edge since
 * START, plus the number of the channel on the board. At STOP a line says how many edges there were.
 */
#define _POSIX_C_SOURCE 200112L

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench_hal.h"
#include "pace.h"

#define F_CLK_HZ 2048000u
#define NAP_NS 200000L

static const uint8_t defaults[24] = {0x3E, 0x96, 0xC0, 0x60, 0x00, 0x61, 0x61, 0x61,
                                     0x61, 0x61, 0x61, 0x61, 0x61, 0x00, 0x00, 0x00,
                                     0x00, 0x00, 0x00, 0x00, 0x0F, 0x00, 0x00, 0x00};

static struct emg_board *board;
static uint8_t registers[EMG_MAX_CHIPS][EMG_ADDRESSES];
static uint64_t origin_ns;
static bool is_converting;
static uint64_t next_fall_ns;
static uint64_t period_ns;
static uint32_t n_falls; /* since START */

static uint64_t clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void interrupt(void)
{
    while (is_converting && (clock_ns() >= next_fall_ns)) {
        n_falls++;
        emg_drdy(board, (next_fall_ns - origin_ns) / 1000u);
        next_fall_ns += period_ns;
    }
}

static uint64_t now_us(void *context)
{
    (void)context;
    interrupt();
    return (clock_ns() - origin_ns) / 1000u;
}

static void spin_until(uint64_t ns)
{
    while (clock_ns() < ns) {
        interrupt();
    }
    interrupt();
}

static void delay_us(void *context, uint32_t us)
{
    (void)context;
    spin_until(clock_ns() + 1000u * (uint64_t)us);
}

void bench_idle_us(void *context, uint32_t us)
{
    const struct timespec nap = {0, NAP_NS};
    const uint64_t until_ns = clock_ns() + 1000u * (uint64_t)us;
    (void)context;
    if (!is_converting) {
        (void)nanosleep(&nap, NULL);
    } else {
        spin_until((until_ns < next_fall_ns) ? until_ns : next_fall_ns);
    }
}

static void obey(unsigned chip, const uint8_t *tx, uint8_t *rx, size_t n)
{
    const uint8_t address = tx[0] & 0x1Fu;
    if ((tx[0] & 0xE0u) == EMG_OP_RREG) {
        (void)memcpy(&rx[2], &registers[chip][address], n - 2u);
    } else if ((tx[0] & 0xE0u) == EMG_OP_WREG) {
        (void)memcpy(&registers[chip][address], &tx[2], n - 2u);
        registers[chip][0] = defaults[0]; /* read only, and GPIO's pins are low */
    } else if (tx[0] == EMG_OP_RESET) {
        (void)memcpy(registers[chip], defaults, sizeof defaults);
    } else if ((tx[0] == EMG_OP_START) && (chip == 0u)) {
        /* tDR and tSETTLE: SBAS499C, table 13 */
        const uint64_t clocks = UINT64_C(128) << (registers[0][1] & 7u);
        period_ns = clocks * 1000000000u / F_CLK_HZ;
        next_fall_ns = clock_ns() + (4u * clocks + 9u) * 1000000000u / F_CLK_HZ;
        n_falls = 0;
        is_converting = true;
    } else if ((tx[0] == EMG_OP_STOP) && (chip == 0u) && is_converting) {
        is_converting = false;
        (void)printf("edges %lu\n", (unsigned long)n_falls);
        (void)fflush(stdout);
    }
}

static void give_result(unsigned chip, uint8_t *rx, size_t n)
{
    rx[0] = 0xC0;
    rx[1] = 0;
    rx[2] = 0;
    for (size_t at = 3; at + 2u < n; at += 3u) {
        const uint32_t code = n_falls - 1u + chip * 8u + (uint32_t)(at / 3u) - 1u;
        rx[at] = (uint8_t)((code >> 16) & 0x7Fu);
        rx[at + 1u] = (uint8_t)(code >> 8);
        rx[at + 2u] = (uint8_t)code;
    }
}

static void transfer(void *context, uint32_t chips, const uint8_t *tx, uint8_t *rx, size_t n,
                     uint32_t sclk_hz, uint32_t hold_us)
{
    const uint64_t end_ns = clock_ns() + 8000000000u * (uint64_t)n / sclk_hz;
    (void)context;
    for (unsigned chip = 0; chip < EMG_MAX_CHIPS; chip++) {
        if ((chips & (1u << chip)) != 0u) {
            if (tx == NULL) {
                give_result(chip, rx, n);
            } else {
                obey(chip, tx, rx, n);
            }
        }
    }
    spin_until(end_ns + 2000u * (uint64_t)hold_us);
}

static void line(void *context, enum emg_line which, bool is_high)
{
    (void)context;
    if ((which != EMG_LINE_START) && !is_high) {
        is_converting = false;
        for (unsigned chip = 0; chip < EMG_MAX_CHIPS; chip++) {
            (void)memcpy(registers[chip], defaults, sizeof defaults);
        }
    }
}

void pace_hal(struct emg_hal *hal, const struct emg_board *own) /* it goes by the clock anyway */
{
    (void)hal;
    (void)own;
}

void pace_follow(void) {}

double bench_now_us(void) { return (double)now_us(NULL); }

void bench_restart(void) { origin_ns = clock_ns(); }

void bench_hal(struct emg_hal *hal, struct emg_board *own, unsigned n_chips)
{
    (void)n_chips;
    board = own;
    bench_restart();
    hal->now_us = now_us;
    hal->delay_us = delay_us;
    hal->idle_us = bench_idle_us;
    hal->transfer = transfer;
    hal->line = line;
}
