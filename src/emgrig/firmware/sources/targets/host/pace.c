/* pace.c: see pace.h.
 *
 * The bench's time passes only when it is told to: here, when the firmware has nothing to do, and
 * when bytes came, so that CLOCK is answered with the time of the answer. It is never ahead of the
 * wall's for longer than a transfer, and it stops at each fall of DRDY until its frame was read.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200112L
#endif

#include "pace.h"

#include <stdio.h>
#include <time.h>

#include "bench_hal.h"

#define LEAST_US 20.0    /* so little is not worth a message to the bench */
#define NAP_US 500.0     /* how long PCs and chips may wait */
#define MOST_US 100000.0 /* at once */
#define TELL_US 500000.0 /* behind: said then, at twice as much, and so on */

static const struct emg_board *board;
static void (*bench_delay_us)(void *context, uint32_t us);
static double begin_us;

static double wall_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((double)now.tv_sec * 1e6) + ((double)now.tv_nsec / 1e3);
}

static double behind_us(void)
{
    static double told_us = TELL_US;
    const double behind = wall_us() - begin_us - bench_now_us();
    if (behind >= told_us) {
        (void)fprintf(stderr,
                      "board: %.1f s behind the wall's time: this machine is too busy for the "
                      "simulated chip; what a PC finds of the board's clock is of no use\n",
                      behind / 1e6);
        told_us *= 2.0;
    }
    return behind;
}

static void nap(double us)
{
    const struct timespec time = {0, (long)(((us < MOST_US) ? us : MOST_US) * 1e3)};
    (void)nanosleep(&time, NULL);
}

/* Let `us` pass on the bench, or less if DRDY falls; nothing while a frame waits to be read. */
static void follow(double us)
{
    if (!board->run.is_on || (board->edges.n == board->run.edges_seen)) {
        bench_idle_us(NULL, (uint32_t)((us < MOST_US) ? us : MOST_US));
    }
}

void pace_follow(void)
{
    const double behind = behind_us();
    if (behind >= LEAST_US) {
        follow(behind);
    }
}

static void delay_us(void *context, uint32_t us)
{
    bench_delay_us(context, us);
    for (double behind = behind_us(); behind < -LEAST_US; behind = behind_us()) {
        nap(-behind);
    }
}

static void idle_us(void *context, uint32_t us)
{
    const double behind = behind_us();
    (void)context;
    if (behind < LEAST_US) {
        nap(((double)us < NAP_US) ? (double)us : NAP_US);
    } else {
        follow(((double)us < behind) ? (double)us : behind);
    }
}

void pace_hal(struct emg_hal *hal, const struct emg_board *own)
{
    board = own;
    bench_delay_us = hal->delay_us;
    begin_us = wall_us() - bench_now_us();
    hal->delay_us = delay_us;
    hal->idle_us = idle_us;
}
