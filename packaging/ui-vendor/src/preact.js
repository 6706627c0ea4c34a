// The one entry the UI and every plugin share: a second copy of Preact would break hooks and signals.
import { h } from "preact";
import htm from "htm";

export { h, render, Fragment, createContext, createRef, Component } from "preact";
export { useState, useEffect, useLayoutEffect, useMemo, useCallback, useRef, useContext, useId } from "preact/hooks";
export { signal, computed, effect, batch, untracked, useSignal, useComputed, useSignalEffect } from "@preact/signals";
export const html = htm.bind(h);
