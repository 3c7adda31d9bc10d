// Where the server's API begins.
export const ROOT = "/api/v1";
