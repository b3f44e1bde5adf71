/* board.h: the two calls that CubeMX's main.c makes.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef BOARD_H
#define BOARD_H

/* Behind MX_…_Init, in USER CODE 2. */
void board_begin(void);
/* In the loop, USER CODE 3. */
void board_poll(void);

#endif
