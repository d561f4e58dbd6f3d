// The version of the package and of its engine, which are one: put in by the build, so that asking needs no engine.
declare const CREDPOOL_VERSION: string;

/** The version of the engine. */
export function version(): string {
  return CREDPOOL_VERSION;
}
