/* pace.h: keeps the bench's time at that of the wall, for PCs that look at a clock.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef PACE_H
#define PACE_H

#include "emg_board.h"

/* Behind bench_hal, before anything takes time: waits and pauses of the layer go by the wall from
 * now on. Where this machine is too slow the board's time falls behind, and nothing is missed. */
void pace_hal(struct emg_hal *hal, const struct emg_board *board);
/* Bytes came: let the board's time be that of the wall. */
void pace_follow(void);

#endif
