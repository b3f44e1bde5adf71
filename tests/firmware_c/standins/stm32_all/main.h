/* Names of STM32's HAL that are not in emgrig's shim, for the compiler alone. */
#ifndef STANDIN_STM32_H
#define STANDIN_STM32_H
#include "stm32f4xx_hal.h"
typedef struct {
    int gState;
} UART_HandleTypeDef;
typedef struct {
    int nothing;
} TIM_HandleTypeDef;
enum { HAL_UART_STATE_READY = 0x20 };
HAL_StatusTypeDef HAL_UART_Receive_IT(UART_HandleTypeDef *uart, uint8_t *data, uint16_t size);
HAL_StatusTypeDef HAL_UART_Transmit_IT(UART_HandleTypeDef *uart, const uint8_t *data, uint16_t size);
void HAL_UART_RxCpltCallback(UART_HandleTypeDef *uart);
void HAL_UART_ErrorCallback(UART_HandleTypeDef *uart);
HAL_StatusTypeDef HAL_TIM_Base_Start(TIM_HandleTypeDef *timer);
uint32_t standin_counter(TIM_HandleTypeDef *timer);
#define __HAL_TIM_GET_COUNTER(timer) standin_counter(timer)
uint32_t __get_PRIMASK(void);
void __disable_irq(void);
void __enable_irq(void);
void NVIC_SystemReset(void);
#endif
