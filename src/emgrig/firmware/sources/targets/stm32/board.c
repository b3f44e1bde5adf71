/* board.c: see board.h. The link is USART2, bytes by interrupt in both directions.
 *
 * Part of emgrig, MIT licence.
 */
#include "board.h"

#include <string.h>

#include "chips.h"
#include "main.h"

extern UART_HandleTypeDef huart2;
extern TIM_HandleTypeDef htim2;

#define RX_BYTES 512u /* a power of 2; a request has at most 267 bytes */
#define TX_BYTES 256u

static struct emg_board board;
static struct emg_hal hal;
static volatile uint8_t rx[RX_BYTES];
static volatile uint32_t rx_in;
static uint32_t rx_out;
static uint8_t rx_byte;
static uint8_t tx[TX_BYTES];

void HAL_UART_RxCpltCallback(UART_HandleTypeDef *uart)
{
    if (uart == &huart2) {
        rx[rx_in % RX_BYTES] = rx_byte;
        rx_in = rx_in + 1u;
        (void)HAL_UART_Receive_IT(&huart2, &rx_byte, 1);
    }
}

void HAL_UART_ErrorCallback(UART_HandleTypeDef *uart)
{
    if (uart == &huart2) { /* a byte was lost: the packet's CRC tells */
        (void)HAL_UART_Receive_IT(&huart2, &rx_byte, 1);
    }
}

static size_t receive_bytes(void *context, uint8_t link, uint8_t *bytes, size_t n)
{
    (void)context;
    (void)link;
    size_t taken = 0;
    while ((taken < n) && (rx_out != rx_in)) {
        bytes[taken] = rx[rx_out % RX_BYTES];
        rx_out++;
        taken++;
    }
    return taken;
}

static size_t send_bytes(void *context, uint8_t link, const uint8_t *bytes, size_t n)
{
    (void)context;
    (void)link;
    const size_t taken = (n < TX_BYTES) ? n : TX_BYTES;
    if (huart2.gState != HAL_UART_STATE_READY) {
        return 0;
    }
    (void)memcpy(tx, bytes, taken);
    return (HAL_UART_Transmit_IT(&huart2, tx, (uint16_t)taken) == HAL_OK) ? taken : 0u;
}

static void reboot(void *context)
{
    (void)context;
    NVIC_SystemReset();
}

void board_begin(void)
{
    static const struct emg_facts facts = {
        .serial_number = "0001", /* of this board: give each its own */
        .firmware_version = "1.0.0",
        .git_revision = "not told",
        .n_chips = 1,
        .channels_per_chip = 8,
        .lines = 7,
        .f_clk_hz = 2048000,
        .vref_uv = 4500000,
        .channels_wired = 0xFF,
        .capabilities = EMG_CAN_SET_LINE | EMG_CAN_REBOOT,
        .transmit_bytes = EMG_TX_BYTES,
        .linger_us = 60000000u,
    };
    (void)HAL_TIM_Base_Start(&htim2);
    hal.receive = receive_bytes;
    hal.send = send_bytes;
    hal.reboot = reboot;
    chips_begin(&hal, &board);
    emg_board_init(&board, &hal, &facts);
    (void)HAL_UART_Receive_IT(&huart2, &rx_byte, 1);
    emg_connected(&board, 0);
    emg_boot(&board, EMG_CAUSE_POWER_ON);
}

void board_poll(void) { (void)emg_poll(&board); }
