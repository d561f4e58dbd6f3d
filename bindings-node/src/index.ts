// `credpool/node`: what only Node, Bun and Deno can give.
export { version } from "credpool";
