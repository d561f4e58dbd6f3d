/** Why a sealed store cannot be opened, in one word. */
export type SealErrorCode =
  /** The key is not the one that it was sealed with. */
  | "wrong_key"
  /** There is no key, or it is none. */
  | "no_key"
  /** What is noted of the store's own key was changed or is of a newer version. */
  | "damaged";

/** A sealed store cannot be opened. */
export class SealError extends Error {
  readonly code: SealErrorCode;

  constructor(code: SealErrorCode, message: string) {
    super(`sealed store: ${message}`);
    this.code = code;
  }
}
Object.defineProperty(SealError.prototype, "name", { value: "SealError", configurable: true, writable: true });
