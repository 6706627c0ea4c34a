// The one module a plugin's page imports. What stands here keeps its meaning; `sdk` counts up when it grows.
import { registerCommand } from "./commands.js";
import { registerField } from "./fields/index.js";
import { registerWidget } from "./fields/widgets.js";
import { registerCard } from "./pages/cards.js";
import { registerPage } from "./pages/index.js";

export const sdk = 4;
export { registerCard as card, registerCommand as command, registerField, registerPage as page, registerWidget as widget };
export { ApiError, api } from "./api.js";
export { useEvents, useFresh } from "./events.js";
export { formatDay, formatExact, formatNumber, formatRelative, t } from "./i18n.js";
export { go, href, route } from "./router.js";
export { base, models, person, returned } from "./store.js";
export { timeZone } from "./time_zone.js";
export {
  Fragment, batch, computed, effect, html, signal, useCallback, useComputed, useEffect, useMemo, useRef, useSignal,
  useState,
} from "./vendor/preact.js";
export { confirm } from "./widgets/dialog.js";
export { Icon, State } from "./widgets/icon.js";
export { say } from "./widgets/toasts.js";
