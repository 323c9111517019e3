// Models of players that no widget stands behind; those of one group play on one clock.

/** @import { Model } from "../../playing/page/clock.js" */
/** @typedef {{ payload: string, interval_ms: number, n_frames: number }} Played */
/** @typedef {{ model: Model, n_frames: number, hear: (name: Followed, value: any) => void }} Member */
/** @typedef {"playing" | "frame"} Followed */

/** @type {WeakMap<object, Set<Member>>} */
const groups = new WeakMap();
let passing = false; // what is passed on is not passed back

/**
 * A model for a player. What is done to it is done to those of its group that have as many frames.
 * @param {object} group
 * @param {string} id the same for views that share a clock
 * @param {Played} played
 * @returns {Member}
 */
export function joined(group, id, { payload, interval_ms, n_frames }) {
  /** @type {Record<string, any>} */
  const values = { _payload: payload, interval_ms, _own_id: id };
  Object.assign(values, {
    frame: n_frames - 1,
    playing: false,
    loop: false,
    _live: false,
    chosen: {},
  });
  /** @type {Record<string, Set<() => void>>} */
  const heard = {};
  /** @type {Model} */
  const model = {
    get: (name) => values[name],
    set: (name, value) => {
      const isNew = values[name] !== value;
      values[name] = value;
      if (isNew && (name === "playing" || name === "frame")) passOn(group, member, name, value);
    },
    on: (event, act) => {
      heard[event] ??= new Set();
      heard[event].add(act);
    },
    off: (event, act) => heard[event]?.delete(act),
    save_changes() {},
  };
  /** @type {Member} */
  const member = {
    model,
    n_frames,
    hear: (name, value) => {
      values[name] = value;
      for (const act of heard[`change:${name}`] ?? []) act();
    },
  };
  const members = groups.get(group) ?? new Set();
  groups.set(group, members.add(member));
  return member;
}

/**
 * @param {object} group
 * @param {Member} member
 */
export function left(group, member) {
  groups.get(group)?.delete(member);
}

/**
 * @param {object} group
 * @param {Member} from
 * @param {Followed} name
 * @param {any} value
 */
function passOn(group, from, name, value) {
  if (passing) return;
  passing = true;
  try {
    for (const member of groups.get(group) ?? []) {
      if (member !== from && member.n_frames === from.n_frames) member.hear(name, value);
    }
  } finally {
    passing = false;
  }
}
