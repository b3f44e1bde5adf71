/* What the tests ask of the core that it does not tell a target. */
#include <stddef.h>

#include "emg_board.h"

size_t glue_board_bytes(void);
uint32_t glue_go(struct emg_board *board);
void glue_next_sequence(struct emg_board *board, uint16_t sequence);
bool glue_send(struct emg_board *board, int type, uint8_t *payload, uint16_t n);
void glue_event(struct emg_board *board, int event, uint32_t conversion, uint64_t time_us,
                uint8_t *body, uint16_t n);

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

/* The next packet on link 0 gets this number. */
void glue_next_sequence(struct emg_board *board, uint16_t sequence)
{
    board->links[0].sequence = sequence;
}

bool glue_send(struct emg_board *board, int type, uint8_t *payload, uint16_t n)
{
    const struct emg_out head = {payload, n, n};
    return emg_link_send(&board->links[0], board->hal, (enum emg_packet)type, &head, NULL, 0, 0,
                         EMG_NO_LIMIT);
}

void glue_event(struct emg_board *board, int event, uint32_t conversion, uint64_t time_us,
                uint8_t *body, uint16_t n)
{
    const struct emg_out out = {body, n, n};
    emg_board_event(board, (enum emg_event)event, conversion, time_us, &out);
}
