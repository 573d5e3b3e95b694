/** More than the largest message of the bench. */
export const MAX_MESSAGE: number = 64 * 2 ** 20;
