//! Which calls are spoken in this dialect; then what clients call beside sends, row by row, with the exact answers.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use super::OnPremises;
use crate::dialect::{Answer, Call, Claim, Dialect, Serving};
use crate::model::{CheckedContact, Fault, FaultKind, HealthForm, Manner, Served, Service, Setting, TransactionId};

fn claim(method: Method, body: Value) -> Claim {
    let path = "/v1/messages".to_owned();
    OnPremises.claim(&Call { method, path, headers: HeaderMap::new(), body })
}

#[test]
fn what_the_neighbours_lack_tells_the_dialect() {
    for body in [
        json!({"type": "text", "text": {"body": "x"}, "recipient_type": "individual"}),
        json!({"type": "text", "text": {"body": "x"}, "preview_url": false}),
        json!({"text": {"body": "x"}}),
        json!({"type": "image", "image": {"id": "x"}}),
        json!({"type": "image", "image": {"link": "x", "provider": {"name": "x"}}}),
        json!({"type": "template", "template": {"namespace": "x"}}),
        json!({"type": "hsm", "hsm": {}}),
        json!({"type": "contact"}),
        json!({"type": "interactive", "interactive": {"type": "product"}}),
    ] {
        assert_eq!(claim(Method::POST, body.clone()), Claim::Likely, "{body}");
    }
}

#[test]
fn a_body_that_is_as_good_elsewhere_is_only_possible() {
    let text = json!({"to": "447700900123", "type": "text", "text": {"body": "x"}, "image": {"id": null}});
    assert_eq!(claim(Method::POST, text), Claim::Possible);
    assert_eq!(claim(Method::POST, Value::Null), Claim::Possible);
}

#[test]
fn the_key_of_360dialog_tells_unless_the_body_is_the_cloud_apis() {
    let mut call = Call {
        method: Method::POST,
        path: "/v1/messages".to_owned(),
        headers: HeaderMap::from_iter([(http::HeaderName::from_static("d360-api-key"), "k".parse().unwrap())]),
        body: json!({"to": "447700900123", "type": "text", "text": {"body": "x"}}),
    };
    assert_eq!(OnPremises.claim(&call), Claim::Likely);
    call.body["messaging_product"] = "whatsapp".into();
    assert_eq!(OnPremises.claim(&call), Claim::Possible);
}

#[test]
fn read_marks_are_put() {
    assert_eq!(claim(Method::PUT, json!({"status": "read"})), Claim::Certain);
}

fn call(method: &str, path: &str, body: Value) -> Call {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    // admin:secret
    let basic = HeaderValue::from_static("Basic YWRtaW46c2VjcmV0");
    Call { method, path: path.to_owned(), headers: HeaderMap::from_iter([(header::AUTHORIZATION, basic)]), body }
}

fn asked(method: &str, path: &str, body: Value) -> Result<Service, Fault> {
    OnPremises.decode_service(&call(method, path, body)).unwrap_or_else(|| panic!("{method} {path} is not known"))
}

fn said(served: Served, manner: &Manner) -> Response<Bytes> {
    let answer = Answer { transaction: TransactionId(Uuid::nil()), at: OffsetDateTime::UNIX_EPOCH, pace: None };
    OnPremises.encode_served(&Serving { answer, served: &served, manner, sender: Some("442079460000") })
}

fn body(served: Served) -> Value {
    let response = said(served, &Manner::default());
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    serde_json::from_slice(response.body()).unwrap()
}

fn meta() -> Value {
    json!({ "api_status": "stable", "version": "2.53.1" })
}

#[test]
fn a_login_has_no_body_or_an_empty_one_or_a_new_password() {
    for (body, new) in [
        (Value::Null, None),
        (json!({}), None),
        (json!({"new_password": null}), None),
        (json!({"new_password": "Sunny-Days-4"}), Some("Sunny-Days-4")),
    ] {
        let Ok(Service::Login(login)) = asked("POST", "/v1/users/login", body.clone()) else { panic!("{body}") };
        assert_eq!((login.user.as_str(), login.password.expose_secret()), ("admin", "secret"));
        assert_eq!(login.new_password.as_ref().map(ExposeSecret::expose_secret), new);
        assert_eq!(login.life.as_secs(), 7 * 24 * 60 * 60);
    }
}

#[test]
fn a_weak_password_is_refused_and_never_repeated() {
    let long = "Aa1!".repeat(17);
    for weak in ["Aa1!", "lower-case-4", "UPPER-CASE-4", "No-Digits-Here", "NoSigns44", long.as_str()] {
        let fault = asked("POST", "/v1/users/login", json!({ "new_password": weak })).unwrap_err();
        assert_eq!((fault.kind, fault.member.as_deref()), (FaultKind::InvalidMember, Some("new_password")), "{weak}");
        assert!(!fault.detail.contains(weak));
    }
}

#[test]
fn a_login_without_name_and_password_is_no_login() {
    for header in ["Basic", "Basic !", "Basic YWRtaW4=", "Bearer YWRtaW46c2VjcmV0", ""] {
        let mut call = call("POST", "/v1/users/login", Value::Null);
        call.headers.insert(http::header::AUTHORIZATION, header.parse().unwrap());
        let fault = OnPremises.decode_service(&call).unwrap().unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unauthenticated, "{header}");
    }
}

#[test]
fn a_token_is_said_in_the_one_form_that_every_client_reads() {
    let expires_at = datetime!(2026-03-09 07:15:02.5 UTC);
    let served = Served::LoggedIn { token: SecretString::from("t"), expires_at };
    let response = said(served.clone(), &Manner::default());
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Basic realm=\"Secured\"");
    let users = json!([{ "token": "t", "expires_after": "2026-03-09 07:15:02+00:00" }]);
    assert_eq!(body(served), json!({ "users": users, "meta": meta() }));
}

#[test]
fn a_refused_login_is_401_with_1005() {
    let response = said(Served::LoginRefused, &Manner::default());
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Basic realm=\"Secured\"");
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body["errors"][0]["code"], 1005);
    assert_eq!(body["errors"][0]["details"], "the name or the password is wrong");
}

#[test]
fn contacts_are_read_in_every_form_and_answered_in_their_order() {
    for contacts in [json!(["+44 7700 900123", "12"]), json!("[\"+44 7700 900123\", \"12\"]")] {
        let body = json!({ "blocking": "wait", "contacts": contacts, "force_check": true });
        let Ok(Service::CheckContacts(inputs)) = asked("POST", "/v1/contacts", body) else { panic!() };
        assert_eq!(inputs, ["+44 7700 900123", "12"]);
    }
    for one in [json!(447_700_900_123_u64), json!([447_700_900_123_u64]), json!([447_700_900_123.0])] {
        let asked = asked("POST", "/v1/contacts", json!({ "contacts": one }));
        assert!(matches!(asked, Ok(Service::CheckContacts(inputs)) if inputs == ["447700900123"]), "{one}");
    }
    let contacts = ["+44 7700 900123", "12"].map(|input| CheckedContact::new(input.to_owned()));
    let rows = json!([
        { "input": "+44 7700 900123", "status": "valid", "wa_id": "447700900123" },
        { "input": "12", "status": "invalid" },
    ]);
    assert_eq!(body(Served::Contacts(contacts.to_vec())), json!({ "contacts": rows, "meta": meta() }));
}

#[test]
fn what_is_no_list_of_contacts_is_refused_by_name() {
    for (contacts, member, kind) in [
        (json!(null), "contacts", FaultKind::MissingMember),
        (json!({"a": 1}), "contacts", FaultKind::InvalidMember),
        (json!(["447700900123", true]), "contacts[1]", FaultKind::InvalidMember),
    ] {
        let fault = asked("POST", "/v1/contacts", json!({ "contacts": contacts })).unwrap_err();
        assert_eq!((fault.kind, fault.member.as_deref()), (kind, Some(member)));
    }
    assert_eq!(asked("POST", "/v1/contacts", Value::Null).unwrap_err().kind, FaultKind::MalformedBody);
}

#[test]
fn health_has_two_shapes() {
    let said = |ready, health, version: Option<&str>| {
        let manner = Manner { health, version: version.map(str::to_owned), ..Manner::default() };
        serde_json::from_slice::<Value>(said(Served::Health { ready }, &manner).body()).unwrap()
    };
    let flat = json!({ "health": { "gateway_status": "connected" }, "meta": meta() });
    assert_eq!(said(true, HealthForm::Flat, None), flat);
    let nodes = json!({ "sabir:core-0": { "gateway_status": "connected", "role": "coreapp" } });
    let meta = json!({ "api_status": "stable", "version": "v2.41.1" });
    assert_eq!(said(true, HealthForm::Nodes, Some("v2.41.1")), json!({ "health": nodes, "meta": meta }));
    // LoyJoy would restart the machine.
    assert_eq!(said(false, HealthForm::Flat, None)["health"]["gateway_status"], "connected");
    assert_eq!(said(false, HealthForm::Nodes, None)["health"]["sabir:core-0"]["gateway_status"], "connecting");
}

#[test]
fn settings_are_read_changed_and_cleared() {
    use Setting::*;
    for (path, setting, change) in [
        ("/v1/settings/application", Application, json!({"webhooks": {"url": "https://hooks.example.net/wa"}})),
        ("/v1/settings/application", Application, json!({"webhooks": {"url": ""}, "sent_status": true})),
        ("/v1/settings/business/profile", BusinessProfile, json!({"vertical": "Depot", "websites": []})),
        ("/v1/settings/profile/about", About, json!({"text": "Open all night"})),
        ("/v1/configs/webhook", Webhook, json!({"url": "http://hooks.example.net", "headers": {"x-key": "1"}})),
    ] {
        assert!(matches!(asked("GET", path, Value::Null), Ok(Service::Read(read)) if read == setting));
        assert!(matches!(asked("DELETE", path, Value::Null), Ok(Service::Clear(cleared)) if cleared == setting));
        for method in ["PATCH", "POST", "PUT"] {
            let Ok(Service::Change(changed, value)) = asked(method, path, change.clone()) else { panic!("{path}") };
            assert_eq!((changed, value), (setting, change.clone()));
        }
    }
}

#[test]
fn credentials_for_links_are_kept_by_name_and_never_given_back() {
    let path = "/v1/settings/application/media/providers";
    let basic = json!({ "basic": { "username": "u", "password": "hunter2" } });
    let sent = json!([
        { "name": "erp-store", "type": "www", "config": basic },
        { "name": "cdn", "type": "www", "config": { "bearer": "hunter2" } },
    ]);
    let Ok(Service::Change(Setting::MediaProviders, value)) = asked("POST", path, sent) else { panic!("no change") };
    assert_eq!(value["erp-store"], json!({ "bearer": null, "user": "u", "password": "hunter2" }));
    assert_eq!(value["cdn"], json!({ "bearer": "hunter2", "user": null, "password": null }));
    let stored = json!({ "erp-store": { "user": "u", "password": "hunter2" }, "cdn": { "bearer": "hunter2" } });
    let told = body(Served::Setting(Setting::MediaProviders, Some(stored)));
    assert_eq!(
        told["settings"]["application"]["media"]["providers"],
        json!([
            { "name": "erp-store", "type": "www", "config": { "basic": "***" } },
            { "name": "cdn", "type": "www", "config": { "bearer": "***" } },
        ])
    );
    let one = asked("DELETE", &format!("{path}/cdn"), Value::Null);
    assert!(matches!(one, Ok(Service::Change(Setting::MediaProviders, value)) if value == json!({ "cdn": null })));
}

#[test]
fn a_setting_that_cannot_be_is_refused_by_name() {
    let about = json!({"text": "x".repeat(140)});
    for (path, body, member) in [
        ("/v1/settings/application", json!({"webhooks": {"url": "ftp://x"}}), "webhooks.url"),
        ("/v1/settings/application", json!({"webhooks": 1}), "webhooks"),
        ("/v1/settings/application/media/providers", json!({}), "providers"),
        ("/v1/settings/application/media/providers", json!([{"config": {}}]), "[0].name"),
        ("/v1/settings/application/media/providers", json!([{"name": "a", "config": {}}]), "[0].config"),
        ("/v1/configs/webhook", json!({}), "url"),
        ("/v1/configs/webhook", json!({"url": "hooks"}), "url"),
        ("/v1/configs/webhook", json!({"url": "https://x", "headers": []}), "headers"),
        ("/v1/settings/business/profile", json!({"websites": ["a", "b", "c"]}), "websites"),
        ("/v1/settings/profile/about", about, "text"),
    ] {
        assert_eq!(asked("POST", path, body).unwrap_err().member.as_deref(), Some(member), "{path}");
    }
}

#[test]
fn settings_are_answered_as_each_path_answers() {
    let url = json!({"webhooks": {"url": "https://hooks.example.net/wa"}});
    let read = body(Served::Setting(Setting::Application, Some(url.clone())));
    let application = &read["settings"]["application"];
    let told = json!({"sent": true, "delivered": true, "read": true});
    let webhooks = json!({"max_concurrent_requests": 6, "message": told, "url": "https://hooks.example.net/wa"});
    assert_eq!((&application["webhooks"], &application["sent_status"]), (&webhooks, &json!(true)));
    assert_eq!(application["contacts_scrape_rate_limit"], "");
    assert_eq!(application["callback_persist"], true);
    assert_eq!(application["wa_id"], "442079460000");
    assert_eq!(body(Served::Changed(Setting::Application, url)), json!({ "meta": meta() }));
    let webhook = json!({"url": "https://hooks.example.net", "headers": {}});
    assert_eq!(body(Served::Changed(Setting::Webhook, webhook.clone())), webhook);
    assert_eq!(body(Served::Setting(Setting::Webhook, None)), json!({"url": "", "headers": {}}));
    let about = json!({"settings": {"profile": {"about": {"text": ""}}}, "meta": meta()});
    assert_eq!(body(Served::Setting(Setting::About, None)), about);
    assert_eq!(body(Served::Done), json!({ "meta": meta() }));
    assert_eq!(body(Served::Statistics), json!({ "stats": {}, "meta": meta() }));
    assert_eq!(body(Served::Profile("shop".to_owned())), json!({ "phone_number": "442079460000" }));
    assert_eq!(body(Served::Templates)["waba_templates"], json!([]));
}

#[test]
fn what_the_gateway_has_no_part_in_is_refused_in_the_vendors_words() {
    for (method, path, code) in [
        ("POST", "/v1/users", 1005),
        ("DELETE", "/v1/users/ada", 1005),
        ("POST", "/v1/account/verify", 1005),
        ("POST", "/v1/settings/account/two-step", 1005),
        ("POST", "/v1/settings/backup", 1005),
        ("POST", "/v1/settings/profile/photo", 1005),
        ("POST", "/v1/certificates/external/ca", 1005),
        ("GET", "/v1/stickerpacks", 1005),
        ("POST", "/v1/contacts/447700900123/block", 1005),
        ("DELETE", "/v1/configs/templates/visit", 1005),
        ("POST", "/v1/groups", 1002),
        ("GET", "/v1/settings/profile/photo", 1006),
        ("GET", "/v1/contacts/447700900123/identity", 1006),
    ] {
        let Ok(Service::Refuse(fault)) = asked(method, path, Value::Null) else { panic!("{method} {path}") };
        let answer = Answer { transaction: TransactionId(Uuid::nil()), at: OffsetDateTime::UNIX_EPOCH, pace: None };
        let body: Value = serde_json::from_slice(OnPremises.encode_fault(&fault, &answer).body()).unwrap();
        assert_eq!(body["errors"][0]["code"], code, "{method} {path}");
    }
}

#[test]
fn other_paths_are_none_of_the_catalogue() {
    for (method, path) in
        [("GET", "/v1/users/login"), ("POST", "/v1/health"), ("GET", "/v1/status"), ("GET", "/health")]
    {
        let known = OnPremises.decode_service(&call(method, path, Value::Null));
        assert!(known.is_none_or(|service| matches!(service, Ok(Service::Refuse(_)))), "{method} {path}");
    }
}

/// Clients know it by these words, and then turn to other channels.
#[test]
fn whoever_is_not_on_whatsapp_is_told_of_in_the_words_that_clients_know() {
    let answer = Answer { transaction: TransactionId(Uuid::nil()), at: OffsetDateTime::UNIX_EPOCH, pace: None };
    let said = OnPremises.encode_fault(&Fault::upstream(FaultKind::NotOnWhatsapp, "no such contact"), &answer);
    let said: Value = serde_json::from_slice(said.body()).unwrap();
    assert_eq!(said["errors"][0]["details"], "Recipient is not a valid WhatsApp user");
}

/// The vendor's catalogue, each row with what comes of it.
#[test]
fn each_row_of_the_catalogue_is_known() {
    let asked = |method: Method, path: &str| {
        let (headers, body) = (HeaderMap::new(), Value::Null);
        let service = OnPremises.decode_service(&Call { method, path: path.to_owned(), headers, body });
        service.map(|service| match service {
            Ok(Service::Refuse(fault)) => format!("{:?}", fault.kind),
            Ok(service) => format!("{service:?}"),
            Err(fault) => format!("wrong {:?}", fault.kind),
        })
    };
    for (method, path, expected) in [
        (Method::POST, "/v1/users/logout", "Logout"),
        (Method::GET, "/v1/health", "Health"),
        (Method::HEAD, "/v1/health", "Health"),
        (Method::GET, "/v1/stats/db", "Statistics"),
        (Method::GET, "/v1/metrics", "Statistics"),
        (Method::GET, "/v1/support", "Statistics"),
        (Method::PUT, "/v1/services/message/gc", "Nothing"),
        (Method::GET, "/v1/configs/phone_number", "Profile"),
        (Method::GET, "/v1/configs/templates", "Templates"),
        (Method::PUT, "/v1/contacts/447700900123/identity", "Nothing"),
        (Method::GET, "/v1/contacts/447700900123/identity", "NotFound"),
        (Method::GET, "/v1/settings/profile/photo", "NotFound"),
        (Method::DELETE, "/v1/settings/profile/photo", "Nothing"),
        (Method::POST, "/v1/groups", "InvalidMember"),
        (Method::GET, "/v1/settings/application", "Read(Application)"),
        (Method::GET, "/v1/settings/business/profile", "Read(BusinessProfile)"),
        (Method::GET, "/v1/settings/profile/about", "Read(About)"),
        (Method::GET, "/v1/configs/webhook", "Read(Webhook)"),
        (Method::DELETE, "/v1/configs/webhook", "Clear(Webhook)"),
        (Method::GET, "/v1/settings/application/media/providers", "Read(MediaProviders)"),
        (Method::POST, "/v1/settings/backup", "Forbidden"),
        (Method::POST, "/v1/users", "Forbidden"),
        (Method::GET, "/v1/certificates/external/ca", "Forbidden"),
        (Method::POST, "/v1/contacts/447700900123/block", "Forbidden"),
    ] {
        assert_eq!(asked(method.clone(), path).as_deref(), Some(expected), "{method} {path}");
    }
    assert_eq!(asked(Method::GET, "/v1/nothing"), None);
    assert_eq!(asked(Method::GET, "/health"), None);
}

#[test]
fn an_answer_of_meta_alone_is_that_to_a_read_mark_and_any_other_has_lost_its_id() {
    let outcome = |body: Value| OnPremises.decode_outcome(&Response::new(Bytes::from(body.to_string())));
    let meta = || json!({"api_status": "stable", "version": "2.45.1"});
    assert!(outcome(json!({ "meta": meta() })).is_ok());
    for body in [json!({ "meta": meta(), "contacts": [] }), json!({"success": true}), json!({"meta": "stable"})] {
        assert_eq!(outcome(body.clone()).unwrap_err().kind, FaultKind::UpstreamUnreadable, "{body}");
    }
}

#[test]
fn a_credential_before_a_link_has_a_name() {
    for (link, is_so) in [
        ("erp-store/https://files.example.net/bay.jpg", true),
        ("erp-store/http://files.example.net/bay.jpg", true),
        ("/https://files.example.net/bay.jpg", false),
        ("https://files.example.net/https://other.example.net", false),
        ("erp-store/files.example.net", false),
        ("erp-store", false),
    ] {
        assert_eq!(super::send::begins_with_provider(link), is_so, "{link}");
    }
}

#[test]
fn a_list_of_products_has_a_header() {
    let action = json!({"catalog_id": "c-1", "sections": [
        {"title": "Tables", "product_items": [{"product_retailer_id": "t-1"}]}
    ]});
    let interactive = json!({"type": "product_list", "body": {"text": "Ours"}, "action": action});
    let body = json!({"to": "447700900123", "type": "interactive", "interactive": interactive});
    let call = Call { method: Method::POST, path: "/v1/messages".to_owned(), headers: HeaderMap::new(), body };
    let fault = OnPremises.decode_send(call).unwrap_err();
    assert_eq!((fault.kind, fault.member.as_deref()), (FaultKind::MissingMember, Some("interactive.header")));
}

#[test]
fn a_message_to_a_group_goes_to_no_person() {
    let text = json!({"recipient_type": "group", "recipient": "GB.1A2B3C4D", "type": "text", "text": {"body": "x"}});
    let call = Call { method: Method::POST, path: "/v1/messages".to_owned(), headers: HeaderMap::new(), body: text };
    let fault = OnPremises.decode_send(call).unwrap_err();
    assert_eq!((fault.kind, fault.member.as_deref()), (FaultKind::MissingMember, Some("to")));
}
