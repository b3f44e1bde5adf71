/* STM32 HAL: the ID register, then frames at the interrupt of DRDY (PB0); CS is PA4, START PA8. */
#include "stm32f4xx_hal.h"

#include <stdio.h>

static SPI_HandleTypeDef hspi;
static volatile int n_ready;

void HAL_GPIO_EXTI_Callback(uint16_t GPIO_Pin)
{
    if (GPIO_Pin == GPIO_PIN_0) {
        n_ready++;
    }
}

static void transfer(const uint8_t *tx, uint8_t *rx, uint16_t n)
{
    HAL_GPIO_WritePin(GPIOA, GPIO_PIN_4, GPIO_PIN_RESET);
    HAL_SPI_TransmitReceive(&hspi, tx, rx, n, HAL_MAX_DELAY);
    emgrig_advance_us(2); /* a loop of nops, in real life */
    HAL_GPIO_WritePin(GPIOA, GPIO_PIN_4, GPIO_PIN_SET);
    emgrig_advance_us(2);
}

int main(void)
{
    uint8_t sdatac[1] = {0x11}, rdatac[1] = {0x10}, id[3] = {0x20, 0, 0}, frame[27] = {0};
    uint32_t begin, taken;
    int n;
    HAL_Init();
    emgrig_map_port(GPIOA, GPIO_PIN_4, "CS", 0);
    emgrig_map_port(GPIOA, GPIO_PIN_8, "START", 0);
    emgrig_map_port(GPIOB, GPIO_PIN_0, "DRDY", 0);
    hspi.Init.Mode = SPI_MODE_MASTER;
    hspi.Init.CLKPolarity = SPI_POLARITY_LOW;
    hspi.Init.CLKPhase = SPI_PHASE_2EDGE;
    hspi.Init.BaudRatePrescaler = SPI_BAUDRATEPRESCALER_64; /* 84 MHz / 64 */
    hspi.Init.NSS = SPI_NSS_SOFT;
    HAL_SPI_Init(&hspi);
    begin = HAL_GetTick();
    HAL_Delay(150);
    taken = HAL_GetTick() - begin;
    transfer(sdatac, sdatac, 1);
    transfer(id, id, 3);
    printf("id %02x after %u ms\n", id[2], (unsigned)taken);
    emgrig_interrupt_on(GPIOB, GPIO_PIN_0);
    HAL_GPIO_WritePin(GPIOA, GPIO_PIN_8, GPIO_PIN_SET);
    transfer(rdatac, rdatac, 1);
    HAL_GPIO_TogglePin(GPIOC, GPIO_PIN_13); /* a LED: goes nowhere */
    for (n = 0; n < 5; n++) {
        while (n_ready == 0) {
            HAL_Delay(0);
        }
        n_ready = 0;
        HAL_GPIO_WritePin(GPIOA, GPIO_PIN_4, GPIO_PIN_RESET);
        HAL_SPI_Receive(&hspi, frame, sizeof frame, HAL_MAX_DELAY);
        emgrig_advance_us(2);
        HAL_GPIO_WritePin(GPIOA, GPIO_PIN_4, GPIO_PIN_SET);
        printf("status %02x drdy %d led %d\n", frame[0], (int)HAL_GPIO_ReadPin(GPIOB, GPIO_PIN_0),
               (int)HAL_GPIO_ReadPin(GPIOC, GPIO_PIN_13));
        frame[0] = frame[1] = frame[2] = 0;
        for (int i = 0; i < 27; i++) {
            frame[i] = 0;
        }
    }
    return 0;
}
