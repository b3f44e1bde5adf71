/* What the tests ask of the core that it does not tell a target. */
#include <stddef.h>

#include "emg_board.h"

size_t glue_board_bytes(void);
uint32_t glue_go(struct emg_board *board);

size_t glue_board_bytes(void)
{
    return sizeof(struct emg_board);
}

/* Go round until there is nothing to do, a run begins or ends, or the board may boot.
 * Bit 0: go on at once; bit 1: a run is on. */
uint32_t glue_go(struct emg_board *board)
{
    const bool was_on = board->run.is_on;
    const bool was_due = board->is_reboot_due;
    bool is_busy = false;
    do {
        is_busy = emg_poll(board);
    } while (is_busy && (board->run.is_on == was_on) && !was_due && !board->is_reboot_due);
    return (is_busy ? 1u : 0u) | (board->run.is_on ? 2u : 0u);
}
