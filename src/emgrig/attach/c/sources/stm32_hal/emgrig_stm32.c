/* emgrig_stm32.c: see stm32_hal.h.
 *
 * Part of emgrig, MIT licence.
 */
#include "stm32_hal.h"

#include <stdio.h>
#include <stdlib.h>

GPIO_TypeDef emgrig_ports[8] = {{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}};

static int bit_of(uint16_t pin)
{
    int bit = 0;
    while (bit < 15 && (pin >> bit & 1) == 0) {
        bit++;
    }
    return bit;
}

static int number_of(const GPIO_TypeDef *port, uint16_t pin) { return port->port * 16 + bit_of(pin); }

void HAL_GPIO_WritePin(GPIO_TypeDef *GPIOx, uint16_t GPIO_Pin, GPIO_PinState PinState)
{
    int bit;
    for (bit = 0; bit < 16; bit++) { /* several at once may be named */
        if ((GPIO_Pin >> bit & 1) != 0) {
            emgrig_pin_write(GPIOx->port * 16 + bit, PinState != GPIO_PIN_RESET);
        }
    }
}

GPIO_PinState HAL_GPIO_ReadPin(GPIO_TypeDef *GPIOx, uint16_t GPIO_Pin)
{
    return emgrig_pin_read(number_of(GPIOx, GPIO_Pin)) != 0 ? GPIO_PIN_SET : GPIO_PIN_RESET;
}

void HAL_GPIO_TogglePin(GPIO_TypeDef *GPIOx, uint16_t GPIO_Pin)
{
    int number = number_of(GPIOx, GPIO_Pin);
    emgrig_pin_write(number, emgrig_pin_read(number) == 0);
}

void emgrig_map_port(GPIO_TypeDef *GPIOx, uint16_t GPIO_Pin, const char *name, int chip)
{
    emgrig_map(number_of(GPIOx, GPIO_Pin), name, chip);
}

#if defined(__GNUC__)
__attribute__((weak))
#endif
void HAL_GPIO_EXTI_Callback(uint16_t GPIO_Pin)
{
    (void)GPIO_Pin; /* as in the HAL: yours takes its place */
}

static void call_back(void *pin) { HAL_GPIO_EXTI_Callback(*(uint16_t *)pin); }

void emgrig_interrupt_on(GPIO_TypeDef *GPIOx, uint16_t GPIO_Pin)
{
    static uint16_t kept[128];
    int number = number_of(GPIOx, GPIO_Pin);
    kept[number] = GPIO_Pin;
    emgrig_on_fall(number, call_back, &kept[number]);
}

HAL_StatusTypeDef HAL_SPI_Init(SPI_HandleTypeDef *hspi)
{
    if (hspi->Init.FirstBit != SPI_FIRSTBIT_MSB || hspi->Init.DataSize != SPI_DATASIZE_8BIT) {
        fprintf(stderr, "emgrig_stm32: only 8 bits, the most significant first\n");
        exit(2);
    }
    return HAL_OK;
}

HAL_StatusTypeDef HAL_SPI_TransmitReceive(SPI_HandleTypeDef *hspi, const uint8_t *pTxData,
                                          uint8_t *pRxData, uint16_t Size, uint32_t Timeout)
{
    int mode = (hspi->Init.CLKPolarity == SPI_POLARITY_HIGH ? 2 : 0) +
               (hspi->Init.CLKPhase == SPI_PHASE_2EDGE ? 1 : 0);
    double sclk_hz = EMGRIG_APB_HZ / (double)(2u << (hspi->Init.BaudRatePrescaler >> 3 & 7u));
    (void)Timeout;
    emgrig_spi(mode, sclk_hz, pTxData, pRxData, Size);
    return HAL_OK;
}

HAL_StatusTypeDef HAL_SPI_Transmit(SPI_HandleTypeDef *hspi, const uint8_t *pData, uint16_t Size,
                                   uint32_t Timeout)
{
    return HAL_SPI_TransmitReceive(hspi, pData, NULL, Size, Timeout);
}

HAL_StatusTypeDef HAL_SPI_Receive(SPI_HandleTypeDef *hspi, uint8_t *pData, uint16_t Size,
                                  uint32_t Timeout)
{
    /* in 2-line mode the HAL sends what is in the buffer */
    return HAL_SPI_TransmitReceive(hspi, pData, pData, Size, Timeout);
}

HAL_StatusTypeDef HAL_Init(void)
{
    emgrig_stop_after_s(10.0);
    return HAL_OK;
}

void HAL_Delay(uint32_t Delay)
{
    /* the HAL waits a tick more, so that it is never less */
    double ms = Delay == HAL_MAX_DELAY ? 1e9 : (double)Delay + 1.0;
    emgrig_pass_us(ms * 1e3);
}

uint32_t HAL_GetTick(void)
{
    double now = emgrig_now_us();
    emgrig_serve();
    return (uint32_t)((uint64_t)(now / 1e3));
}
