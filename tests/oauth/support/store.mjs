// @ts-check
// The store that many processes share: a file's name, or PostgreSQL's options as JSON.
import { sqliteStore } from "credpool/node";
import { postgresStore } from "credpool/postgres";

/** @param {string} place */
export const openStore = (place) => (place.startsWith("{") ? postgresStore(JSON.parse(place)) : sqliteStore(place));
