// What npm's `openid-client` does with an OpenID provider: node openid_client_calls.mjs MODULE ISSUER CLIENT SECRET REDIRECT LOGIN PASSWORD
const [module, issuer, clientId, secret, redirect, login, password] = process.argv.slice(2);
const oidc = await import(`${module}/build/index.js`);
const insecure = {execute: [oidc.allowInsecureRequests]}; // http, on loopback
let config, tokens, verifier, state, nonce, answer, device;

const jar = new Map();
async function browse(address, form) {
    const headers = {cookie: [...jar].map((pair) => pair.join("=")).join("; ")};
    if (form) headers.origin = new URL(address).origin;
    const got = await fetch(address, {method: form ? "POST" : "GET", body: form && new URLSearchParams(form), headers, redirect: "manual"});
    for (const one of got.headers.getSetCookie()) jar.set(...one.split(";")[0].split(/=(.*)/s).slice(0, 2));
    const next = got.headers.get("location");
    if (!next) return {address, text: await got.text()};
    const where = new URL(next, address).href;
    return where.startsWith(redirect) ? {address: where, text: ""} : browse(where);
}
const fields = (text, action) => {
    const form = text.split("<form").find((part) => part.includes(`action="${action}`)) ?? "";
    const inputs = [...form.split("</form>")[0].matchAll(/<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"/g)];
    return {to: /action="([^"]+)"/.exec(form)?.[1], held: Object.fromEntries(inputs.map((one) => [one[1], one[2].replaceAll("&amp;", "&")]))};
};
async function person(address) {
    let page = await browse(address);
    if (page.address.includes("/sign-in")) {
        const {to, held} = fields(page.text, "/sign-in\"");
        page = await browse(new URL(to, page.address).href, {...held, login, password});
    }
    if (page.text) {
        const {to, held} = fields(page.text, "/oauth/authorize/");
        page = await browse(new URL(to, page.address).href, {...held, answer: "yes"});
    }
    return new URL(page.address);
}

const CALLS = {
    discovery: async () => (config = await oidc.discovery(new URL(issuer), clientId, secret, undefined, insecure)) !== undefined,
    buildAuthorizationUrl: async () => {
        verifier = oidc.randomPKCECodeVerifier(), state = oidc.randomState(), nonce = oidc.randomNonce();
        const asked = {redirect_uri: redirect, scope: "openid profile email offline_access madang", state, nonce, prompt: "consent",
            code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256"};
        answer = await person(oidc.buildAuthorizationUrl(config, asked).href);
        return answer.searchParams.has("code");
    },
    authorizationCodeGrant: async () => {
        tokens = await oidc.authorizationCodeGrant(config, answer, {pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true});
        return tokens.claims().sub.length > 0;
    },
    fetchUserInfo: async () => (await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)).preferred_username === login,
    tokenIntrospection: async () => (await oidc.tokenIntrospection(config, tokens.access_token)).active,
    refreshTokenGrant: async () => (tokens = await oidc.refreshTokenGrant(config, tokens.refresh_token)).access_token !== undefined,
    clientCredentialsGrant: async () => (await oidc.clientCredentialsGrant(config, {scope: "madang"})).access_token !== undefined,
    genericGrantRequest: async () => (await oidc.genericGrantRequest(config, "urn:ietf:params:oauth:grant-type:token-exchange", {scope: "madang",
        subject_token: tokens.access_token, subject_token_type: "urn:ietf:params:oauth:token-type:access_token"})).access_token !== undefined,
    initiateDeviceAuthorization: async () => (device = await oidc.initiateDeviceAuthorization(config, {scope: "openid"})).user_code.length === 9,
    pollDeviceAuthorizationGrant: async () => {
        let page = await browse(device.verification_uri_complete);
        page = await browse(page.address, fields(page.text, "/oauth/device").held);
        await browse(new URL("/oauth/device", page.address).href, {...fields(page.text, "/oauth/device").held, answer: "yes"});
        return (await oidc.pollDeviceAuthorizationGrant(config, device)).id_token !== undefined;
    },
    tokenRevocation: async () => {
        await oidc.tokenRevocation(config, tokens.refresh_token);
        return !(await oidc.tokenIntrospection(config, tokens.access_token)).active;
    },
    buildEndSessionUrl: async () => oidc.buildEndSessionUrl(config, {id_token_hint: tokens.id_token ?? ""}).href.startsWith(issuer),
};
const told = {};
for (const [name, call] of Object.entries(CALLS)) {
    try {
        told[name] = (await call()) ? "ok" : "another answer than expected";
    } catch (error) {
        told[name] = `${error.name} ${error.message} ${error.cause?.message ?? ""}`.slice(0, 200);
    }
}
console.log(JSON.stringify(told));
