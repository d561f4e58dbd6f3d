// @ts-check
// Where the OpenID provider keeps its things: memory, with a leeway for rotated refresh tokens, as servers have it whose clients
// may die between an answer and writing it down.

/** @typedef {{ payload: any, ends: number }} Kept */

/** @param {number} leewaySeconds */
export function memoryAdapter(leewaySeconds) {
  /** @type {Map<string, Kept>} */
  const all = new Map();
  return class {
    /** @param {string} model */
    constructor(model) {
      this.model = model;
    }

    /** @param {string} id @param {any} payload @param {number} seconds */
    async upsert(id, payload, seconds) {
      all.set(`${this.model}:${id}`, { payload, ends: Date.now() + seconds * 1000 });
    }

    /** @param {string} id */
    async find(id) {
      const kept = all.get(`${this.model}:${id}`);
      if (!kept || !(kept.ends > Date.now())) return undefined;
      const { consumed, ...rest } = kept.payload;
      const forgiven = this.model === "RefreshToken" && consumed && Date.now() / 1000 - consumed < leewaySeconds;
      return forgiven ? rest : kept.payload;
    }

    /** @param {string} uid */
    async findByUid(uid) {
      return this.#by("uid", uid);
    }

    /** @param {string} code */
    async findByUserCode(code) {
      return this.#by("userCode", code);
    }

    /** @param {string} field @param {string} value */
    #by(field, value) {
      for (const [name, { payload }] of all) if (name.startsWith(`${this.model}:`) && payload[field] === value) return payload;
      return undefined;
    }

    /** @param {string} id */
    async consume(id) {
      const kept = all.get(`${this.model}:${id}`);
      if (kept) kept.payload = { ...kept.payload, consumed: kept.payload.consumed ?? Date.now() / 1000 };
    }

    /** @param {string} id */
    async destroy(id) {
      all.delete(`${this.model}:${id}`);
    }

    /** @param {string} grant */
    async revokeByGrantId(grant) {
      for (const [name, { payload }] of all) if (payload.grantId === grant) all.delete(name);
    }
  };
}
