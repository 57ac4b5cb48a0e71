export type Route =
  | { page: 'home' }
  | { page: 'camera'; id: string }
  | { page: 'timeline' }
  | { page: 'events' }
  | { page: 'event'; id: string }
  | { page: 'recordings' }
  | { page: 'recording'; id: string }
  | { page: 'alerts' }
  | { page: 'system' }
  | { page: 'rules' }
  | { page: 'pets' }
  | { page: 'visitors' }
  | { page: 'logs' }
  | { page: 'settings' }
  | { page: 'account' }
  | { page: 'users' }
  | { page: 'audit' }
  | { page: 'security' }
  | { page: 'reference' }
  | { page: 'welcome' }
  | { page: 'missing' };

const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Which page a path names; anything unknown is `missing`, never an exception. */
export function match(path: string): Route {
  const [first = '', second, ...rest] = path.split('/').filter(Boolean);
  if (rest.length) return { page: 'missing' };
  if (second === undefined) {
    switch (first) {
      case '':
        return { page: 'home' };
      case 'timeline':
      case 'events':
      case 'recordings':
      case 'alerts':
      case 'system':
      case 'rules':
      case 'pets':
      case 'visitors':
      case 'logs':
      case 'settings':
      case 'account':
      case 'users':
      case 'audit':
      case 'security':
      case 'reference':
      case 'welcome':
        return { page: first };
      case 'cameras':
        return { page: 'home' };
      default:
        return { page: 'missing' };
    }
  }
  if (!ID.test(second)) return { page: 'missing' };
  switch (first) {
    case 'cameras':
      return { page: 'camera', id: second };
    case 'events':
      return { page: 'event', id: second };
    case 'recordings':
      return { page: 'recording', id: second };
    default:
      return { page: 'missing' };
  }
}

const changed = new EventTarget();

/** Goes to a path of this application; `replace` when it only refines the present page (filters). */
export function navigate(path: string, replace = false): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  if (!replace) changed.dispatchEvent(new Event('change'));
}

/** Calls back at every change of page. Plain links work: clicks on them are taken over here. */
export function startRouter(onChange: () => void): void {
  changed.addEventListener('change', onChange);
  addEventListener('popstate', onChange);
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.composedPath().find((node): node is HTMLAnchorElement => node instanceof HTMLAnchorElement);
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.hash && link.pathname === location.pathname) return;
    if (match(link.pathname).page === 'missing') return; // /login, /docs and the like belong to the server
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
