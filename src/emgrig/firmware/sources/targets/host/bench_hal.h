/* bench_hal.h: the chips' side of struct emg_hal on emgrig's bench (emgrig_chip.h).
 *
 * Part of emgrig, MIT licence.
 */
#ifndef BENCH_HAL_H
#define BENCH_HAL_H

#include "emg_board.h"

/* Fill in time, SPI and pins; the links are the caller's. One board a program. */
void bench_hal(struct emg_hal *hal, struct emg_board *board, unsigned n_chips);
/* Begin the board's time at 0, as a processor does when it starts. */
void bench_restart(void);
/* The bench's time since power-on. */
double bench_now_us(void);
/* Sleep until DRDY falls, `us` at most. */
void bench_idle_us(void *context, uint32_t us);

#endif
