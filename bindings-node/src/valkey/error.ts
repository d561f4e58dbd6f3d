/** What a Valkey or Redis server refused, or why it cannot be reached. Never a password, a key's value or a secret. */
export class ValkeyError extends Error {
  override readonly name = "ValkeyError";
  /** The server's own word (`NOAUTH`, `WRONGPASS`, `OOM`), or the system's (`ECONNREFUSED`); `TIMEOUT`, `CLOSED`, `PROTOCOL`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
