/* chips.h: the chips' side of struct emg_hal on an STM32, by its HAL.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef CHIPS_H
#define CHIPS_H

#include "emg_board.h"

void chips_begin(struct emg_hal *hal, struct emg_board *board);

#endif
