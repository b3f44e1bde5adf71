/* wifi_link.h: the PC's side of struct emg_hal: Wi-Fi, and a TCP server at port 4299.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef WIFI_LINK_H
#define WIFI_LINK_H

#include "emg_board.h"

/* Join the network (CONFIG below), or become one; then listen. Returns once the board has an
 * address. */
void wifi_link_begin(struct emg_hal *hal, struct emg_board *board);
/* Take who comes, let go of who went. */
void wifi_link_poll(void);

#endif
