//! The paths that clients call, beside their methods and one call of each. Which dialects have a path, what they take
//! there and what they answer is asked of them.

/// What a path is for, and so whom its call is shown to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A request to forward.
    Send,
    /// What clients call beside sends.
    Service,
    /// Files.
    Media,
}

/// One operation of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What it is for.
    pub purpose: Purpose,
    /// The method.
    pub method: &'static str,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// The path of one call.
    pub called: &'static str,
    /// The body of that call; empty where it has none. Those of sends are the golden files.
    pub body: &'static str,
    /// In one line.
    pub summary: &'static str,
}

/// Every operation that clients call.
pub const ROWS: &[Row] = &[
    send("POST", "/v1/messages", "/v1/messages", "Send a message"),
    send("PUT", "/v1/messages/{id}", "/v1/messages/gBGGFlA5FpafAgkOuJbRq54qwbM", "Mark an inbound message as read"),
    send("POST", "/messages", "/messages", "Send a message"),
    send("POST", "/{phone_number_id}/messages", "/551200034477/messages", "Send a message"),
    send("POST", "/{version}/{phone_number_id}/messages", "/v23.0/551200034477/messages", "Send a message"),
    send(
        "POST",
        "/{version}/{phone_number_id}/marketing_messages",
        "/v23.0/551200034477/marketing_messages",
        "Send a marketing message, over the same way as all others",
    ),
    send("POST", "/notification", "/notification", "Send a message"),
    send("POST", "/v3/messages", "/v3/messages", "Send a message"),
    send("POST", "/api/messages/send", "/api/messages/send", "Send a message"),
    send("POST", "/messages/send", "/messages/send", "Send a message"),
    service("POST", "/v1/users/login", "", "Change the account's key for a token; name and password as in HTTP Basic"),
    service("POST", "/v1/users/logout", "", "End the token that the call came with"),
    service(
        "POST",
        "/kingslanding/login",
        r#"{"username": "shop", "password": "the account's key"}"#,
        "Change the account's key for a token",
    ),
    service("POST", "/v1/contacts", r#"{"blocking": "wait", "contacts": ["+44 7700 900123"]}"#, "Check numbers"),
    service("GET", "/v1/contacts/{id}/identity", "", "A contact's change of identity: none is known"),
    service("PUT", "/v1/contacts/{id}/identity", r#"{"hash": "Yo13aGHBcfLR"}"#, "Acknowledge a change of identity"),
    service("POST", "/v1/contacts/{id}/block", "", "Refused: the gateway blocks nobody"),
    service("GET", "/v1/health", "", "Whether requests are taken"),
    service("GET", "/v1/status", "", "Whether requests are taken"),
    service("GET", "/v1/profile", "", "Who the caller is"),
    service("GET", "/v1/stats/{of}", "", "Counters: none are kept for clients"),
    service("GET", "/v1/metrics", "", "Counters: none are kept for clients"),
    service("GET", "/v1/support", "", "Counters: none are kept for clients"),
    service("POST", "/v1/services/message/gc", "", "Done at once: there is nothing to collect"),
    service("PUT", "/v1/services/message/gc", "", "Done at once: there is nothing to collect"),
    service("GET", "/v1/settings/application", "", "The settings of the client's old server"),
    service(
        "PATCH",
        "/v1/settings/application",
        r#"{"webhooks": {"url": "https://shop.example.net/hook"}}"#,
        "Change settings; the others stay",
    ),
    service("DELETE", "/v1/settings/application", "", "Settings as they are where nobody changes them"),
    service("GET", "/v1/settings/business/profile", "", "The business's profile"),
    service(
        "POST",
        "/v1/settings/business/profile",
        r#"{"description": "Flowers and pots", "websites": ["https://shop.example.net"]}"#,
        "Change the business's profile",
    ),
    service("GET", "/v1/settings/profile/about", "", "The line below the business's name"),
    service("PATCH", "/v1/settings/profile/about", r#"{"text": "Open until 18:00"}"#, "Change the line"),
    service("GET", "/v1/settings/profile/photo", "", "The photo: none is set"),
    service("POST", "/v1/settings/profile/photo", "", "Refused: photos are kept by the provider"),
    service("DELETE", "/v1/settings/profile/photo", "", "Take the photo away: there is none"),
    service("GET", "/v1/configs/webhook", "", "Where events go"),
    service(
        "POST",
        "/v1/configs/webhook",
        r#"{"url": "https://shop.example.net/hook", "headers": {"X-Shop": "1"}}"#,
        "Say where events go",
    ),
    service("DELETE", "/v1/configs/webhook", "", "Events go nowhere"),
    service("GET", "/v1/configs/phone_number", "", "The number that the account sends from"),
    service("GET", "/v1/configs/templates", "", "The templates: the provider keeps them"),
    service("POST", "/v1/users", "", "Refused: users are accounts of the gateway's configuration"),
    service("DELETE", "/v1/users/{name}", "", "Refused: users are accounts of the gateway's configuration"),
    service("POST", "/v1/account", "", "Refused: the provider registers numbers"),
    service("POST", "/v1/account/{of}", "", "Refused: the provider registers numbers"),
    service("GET", "/v1/certificates/{of}", "", "Refused: the gateway's certificate is its proxy's"),
    service("GET", "/v1/stickerpacks", "", "Refused: the provider keeps sticker packs"),
    service("GET", "/v1/stickerpacks/{of}", "", "Refused: the provider keeps sticker packs"),
    service("GET", "/v1/groups", "", "Refused: groups are no longer served"),
    service("GET", "/v1/groups/{of}", "", "Refused: groups are no longer served"),
    media("POST", "/v1/media", "/v1/media", "Upload a file"),
    media("GET", "/v1/media/{id}", "/v1/media/4410099887766", "Fetch a file"),
    media("DELETE", "/v1/media/{id}", "/v1/media/4410099887766", "Delete a file"),
    media("POST", "/media", "/media", "Upload a file"),
    media("POST", "/{phone_number_id}/media", "/551200034477/media", "Upload a file"),
    media("POST", "/{version}/{phone_number_id}/media", "/v23.0/551200034477/media", "Upload a file"),
    media("GET", "/media/{id}", "/media/4410099887766", "Fetch a file, where its description says"),
    media("GET", "/{media_id}", "/4410099887766", "What is known of a file"),
    media("DELETE", "/{media_id}", "/4410099887766", "Delete a file"),
    media("GET", "/{version}/{media_id}", "/v23.0/4410099887766", "What is known of a file"),
    media("DELETE", "/{version}/{media_id}", "/v23.0/4410099887766", "Delete a file"),
];

const fn send(method: &'static str, path: &'static str, called: &'static str, summary: &'static str) -> Row {
    Row { purpose: Purpose::Send, method, path, called, body: "", summary }
}

const fn service(method: &'static str, path: &'static str, body: &'static str, summary: &'static str) -> Row {
    Row { purpose: Purpose::Service, method, path, called: path, body, summary }
}

const fn media(method: &'static str, path: &'static str, called: &'static str, summary: &'static str) -> Row {
    Row { purpose: Purpose::Media, method, path, called, body: "", summary }
}
