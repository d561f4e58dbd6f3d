// Commits of everybody, by LISTEN on a connection of its own. While it is lost it is made anew, and then looked at what was missed.
import type { Client, Connections } from "./postgres-driver.js";

/** After the first failure; twice as long after each, up to the second. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [50, 2000];
/** A connection that nothing comes over is asked so often whether it lives. */
const PING_MS = 10_000;

export class PostgresWatch {
  readonly #make: () => Promise<Client>;
  readonly #connections: Connections;
  readonly #listen: string;
  readonly #generation: string;
  readonly #tell: (generation: number) => void;
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #pause = FIRST_PAUSE_MS;
  #told: number | undefined;

  constructor(make: () => Promise<Client>, connections: Connections, channel: string, generation: string, tell: (generation: number) => void) {
    this.#make = make;
    this.#connections = connections;
    this.#listen = `LISTEN ${channel}`;
    this.#generation = generation;
    this.#tell = tell;
    void this.#begin();
  }

  async #begin(): Promise<void> {
    if (this.#stopped) return;
    let client: Client | undefined;
    try {
      client = await this.#make();
      const own = client;
      own.on("error", (error) => this.#lose(own, error));
      own.on("end", () => this.#lose(own, Object.assign(new Error("Connection ended"), {})));
      own.on("notification", ({ payload }) => this.#hear(Number(payload)));
      this.#client = own;
      await own.connect();
      own.unref?.();
      await own.query(this.#listen);
      await this.#look(own);
      if (this.#stopped) return void (await own.end());
      this.#connections.found();
      this.#pause = FIRST_PAUSE_MS;
      this.#later(() => this.#ping(own), PING_MS);
    } catch (error) {
      if (client) this.#lose(client, error);
      else this.#again(error);
    }
  }

  /** What was committed while nobody listened, before the first time too. */
  async #look(client: Client): Promise<void> {
    const { rows } = await client.query(this.#generation);
    this.#hear(Number(rows[0]?.generation));
  }

  async #ping(client: Client): Promise<void> {
    try {
      await this.#look(client);
      if (client === this.#client) this.#later(() => this.#ping(client), PING_MS);
    } catch (error) {
      this.#lose(client, error);
    }
  }

  #hear(generation: number): void {
    if (this.#stopped || !Number.isSafeInteger(generation) || generation === this.#told) return;
    this.#told = generation;
    this.#tell(generation);
  }

  #lose(client: Client, error: unknown): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    void client.end().catch(() => undefined);
    this.#again(error);
  }

  #again(error: unknown): void {
    if (this.#stopped) return;
    this.#connections.lost(error);
    this.#later(() => this.#begin(), this.#pause * (0.5 + Math.random()));
    this.#pause = Math.min(LONGEST_PAUSE_MS, this.#pause * 2);
  }

  /** One timer; a process may end while it runs. */
  #later(work: () => Promise<void>, ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void work(), ms).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    void client?.end().catch(() => undefined);
  }
}
