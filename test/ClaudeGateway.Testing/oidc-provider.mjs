// Runs npm's oidc-provider, a certified OpenID provider that this project did not write, for one test.
// Arguments: the folder whose node_modules has it, the port, the gateway's redirect URI, the id_token's algorithm,
// whether each refresh gives a new refresh token (rotate or keep).
// Whoever signs in on its page as NAME is NAME@example.com. Says "ready" on standard output; ends with standard input.
import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [, , folder, port, redirectUri, algorithm, rotation] = process.argv;
const { default: Provider } = await import(pathToFileURL(createRequire(`${folder}/`).resolve('oidc-provider')));

const keys = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{
    client_id: 'gw-client',
    client_secret: 'client-secret',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
    id_token_signed_response_alg: algorithm,
  }],
  jwks: { keys: [{ ...keys[algorithm]().privateKey.export({ format: 'jwk' }), use: 'sig', alg: algorithm, kid: 'test' }] },
  enabledJWA: { idTokenSigningAlgValues: Object.keys(keys) },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  conformIdTokenClaims: false,
  rotateRefreshToken: rotation === 'rotate',
  cookies: { keys: ['test'] },
  features: { revocation: { enabled: true } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id, groups: ['eng'] }),
  }),
});

provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
