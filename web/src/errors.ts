/**
 * A fault that the screens put into words: `code` is a key of the catalogues' `errors`, `values` fill its gaps.
 *
 * Codes are the names of the Python package's errors and of the contracts' (`docs/errors.md`), so that a fault has one
 * name wherever it shows.
 */
export class PageError extends Error {
  constructor(
    readonly code: string,
    readonly values: Readonly<Record<string, string | number>> = {},
    options?: ErrorOptions,
  ) {
    super(code, options);
    this.name = "PageError";
  }
}
