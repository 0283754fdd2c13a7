import { createContext } from "react";

/** The place at the topbar's end, for what belongs to the open chat; unset until it is there. */
export const TopbarEnd = createContext<HTMLElement | null>(null);
