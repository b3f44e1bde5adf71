/* What the tests ask of the core that it does not tell a target. */
#include <stddef.h>

#include "emg_board.h"

size_t glue_board_bytes(void);
int glue_is_streaming(const struct emg_board *board);

size_t glue_board_bytes(void)
{
    return sizeof(struct emg_board);
}

int glue_is_streaming(const struct emg_board *board)
{
    return board->run.is_on ? 1 : 0;
}
