/** Padding that hides how long something is: Padmé for objects, coarse steps for key bundles. */

export const SMALLEST_STEP = 1 << 14;

/**
 * The length that `length` bytes are padded to.
 *
 * Padmé keeps of a length only its leading bits: of a number with E + 1 bits the last E - S must be zero, where S is the
 * number of bits of E; at a price of at most 12 % (Nikitin et al., PoPETs 2019, section 4).
 */
export function padme(length: number): number {
  if (length < 2) return length;
  const exponent = bitLength(length) - 1;
  const step = 2 ** (exponent - bitLength(exponent));
  return Math.ceil(length / step) * step;
}

/** The next power of two, at least 16 KiB: for bundles, whose size would else tell how much was granted. */
export function coarseStep(length: number): number {
  return length <= SMALLEST_STEP ? SMALLEST_STEP : 2 ** bitLength(length - 1);
}

function bitLength(value: number): number {
  return value.toString(2).length;
}
