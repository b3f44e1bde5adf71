/* pace.c of the host's program, against a wall and a bench made here: -Dclock_gettime=wall_gettime
 * -Dnanosleep=wall_nanosleep put this wall in the place of the machine's. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200112L
#endif

#include "pace.h"

#include <stdio.h>
#include <time.h>

#include "bench_hal.h"

#define MOST_CALLS 100000u
#define PERIOD_US 1000.0

static struct emg_board board;
static struct emg_hal hal;
static double wall_us; /* of whoever is not on the bench */
static double bench_us;
static double next_fall_us;

int wall_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    wall_us += 0.1; /* to look takes time, too */
    now->tv_sec = (time_t)(wall_us / 1e6);
    now->tv_nsec = (long)((wall_us - ((double)now->tv_sec * 1e6)) * 1e3);
    return 0;
}

int wall_nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)left;
    wall_us += ((double)time->tv_sec * 1e6) + ((double)time->tv_nsec / 1e3);
    return 0;
}

double bench_now_us(void) { return bench_us; }

void bench_idle_us(void *context, uint32_t us)
{
    (void)context;
    bench_us += (double)us;
    if (bench_us >= next_fall_us) {
        bench_us = next_fall_us;
        next_fall_us += PERIOD_US;
        emg_drdy(&board, (uint64_t)bench_us);
    }
}

static void bench_delay_us(void *context, uint32_t us)
{
    (void)context;
    bench_us += (double)us;
}

static uint64_t now_us(void *context)
{
    (void)context;
    return (uint64_t)bench_us;
}

/* Wait for `us` in a run, as emg_run.c does, on a bench that is `behind_us` behind the wall and
 * whose DRDY falls in `fall_us`. */
static int waits(uint32_t us, double behind_us, double fall_us)
{
    bench_us += 0.5;
    wall_us = bench_us;
    next_fall_us = bench_us + fall_us;
    pace_hal(&hal, &board);
    hal.delay_us = bench_delay_us;
    wall_us += behind_us;
    const uint64_t until_us = now_us(NULL) + us;
    for (unsigned n = 0; n < MOST_CALLS; n++) {
        const uint64_t now = now_us(NULL);
        if (now >= until_us) {
            return 0;
        }
        if (board.edges.n != board.run.edges_seen) {
            board.run.edges_seen = board.edges.n; /* its frame is read */
        } else {
            hal.idle_us(NULL, (uint32_t)(until_us - now));
        }
    }
    (void)printf("%u us, %g us behind, DRDY in %g us: time stands still\n", (unsigned)us, behind_us,
                 fall_us);
    return 1;
}

int main(void)
{
    int n_bad = 0;
    board.run.is_on = true;
    hal.delay_us = bench_delay_us;
    for (uint32_t us = 1; us <= 2000u; us += 7u) {
        for (double behind = 0.0; behind < 3000.0; behind += 19.0) {
            n_bad += waits(us, behind, 1.0 + (double)(us % 1000u));
        }
    }
    return (n_bad == 0) ? 0 : 1;
}
