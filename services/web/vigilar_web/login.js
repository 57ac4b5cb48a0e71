// Signing in with a passkey, where the browser has them. The form beside it works without this file.
const button = document.getElementById('passkey');
const problem = document.getElementById('passkey-error');
const target = document.querySelector('input[name="next"]');

async function post(path, body) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    credentials: 'same-origin',
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error?.message || `The server answered ${response.status}.`);
  return answer;
}

async function signIn() {
  problem.hidden = true;
  button.disabled = true;
  try {
    const { challenge_id, options } = await post('/api/v1/sign-in/passkey/challenge', {});
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    const credential = await navigator.credentials.get({ publicKey });
    await post('/api/v1/sign-in/passkey', { challenge_id, credential: credential.toJSON() });
    location.assign(target?.value || '/');
  } catch (error) {
    problem.textContent = error.name === 'NotAllowedError' ? button.dataset.unused : error.message;
    problem.hidden = false;
  } finally {
    button.disabled = false;
  }
}

if (button && isSecureContext && globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  button.hidden = false;
  button.addEventListener('click', () => void signIn());
}
