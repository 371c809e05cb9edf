//! The document that describes the gateway: it is valid, it is whole, and the gateway does what it says.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use jsonschema::Validator;
use sabir::dialect;
use sabir::model::FaultKind;
use sabir::openapi::document;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, TestApp};
use crate::program::{json, read, sabir};

/// Every path and method of the document with what it says of them.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, said)| (method.as_str(), path.as_str(), said))
    })
}

/// A component, or the value itself where it is no reference.
fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            document().pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"))
        }
        None => value,
    }
}

/// The document's schemas, each made ready once.
#[derive(Default)]
struct Judges(BTreeMap<String, Validator>);

impl Judges {
    /// What is wrong with a value.
    fn violations(&mut self, schema: &Value, value: &Value) -> Vec<String> {
        let judge = self.0.entry(schema.to_string()).or_insert_with(|| {
            let schema = json!({ "allOf": [schema], "components": document()["components"] });
            jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{error}"))
        });
        judge.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// An answer is one that the operation may give.
    fn assert_describes(&mut self, place: &str, said: &Value, answer: &Answer) {
        let described = &said["responses"][answer.status.to_string()];
        assert!(described.is_object(), "{place}: {} is not described: {}", answer.status, answer.body);
        if let Some(schema) = described.pointer("/content/application~1json/schema") {
            let wrong = self.violations(schema, &answer.body);
            assert!(wrong.is_empty(), "{place}: {wrong:#?}\n{:#}", answer.body);
        }
    }
}

#[test]
fn the_document_is_valid() {
    // The OpenAPI Initiative's own schema of OpenAPI 3.1, https://spec.openapis.org/oas/3.1/schema, Apache-2.0.
    let schema: Value = serde_json::from_str(include_str!("../fixtures/openapi-3.1.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(document()).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let ids: Vec<_> = operations().map(|(_, _, said)| said["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "operations share an id: {ids:?}");
}

/// The routes as they stand in `router()`: path and methods, `on` where a handler takes all that clients call.
fn routes() -> Vec<(String, Vec<String>)> {
    let source = include_str!("../../src/web/mod.rs");
    let routes = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")?.split_once("\", "));
    let methods = ["get(", "post(", "put(", "patch(", "delete(", "on("];
    let named = |handlers: &str| -> Vec<_> {
        let named = methods.iter().filter(|name| handlers.contains(**name));
        named.map(|name| name.replace('(', "")).collect()
    };
    routes.map(|(path, handlers)| (path.replace("{*", "{"), named(handlers))).collect()
}

/// Whether a path of the document is one that the router sends there: `/v1/settings/profile/about` → `/v1/settings/{name}`.
fn is_of(path: &str, route: &str) -> bool {
    let is_whole = |(route, segment): (&str, &str)| route == segment || route.starts_with('{');
    let (route_segments, segments): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    let takes_rest = ["/settings/", "/configs/"].iter().any(|section| route.contains(section));
    (route_segments.len() == segments.len() || takes_rest && segments.len() > route_segments.len())
        && route_segments.into_iter().zip(segments).all(is_whole)
}

#[test]
fn every_route_is_in_the_document_and_nothing_else() {
    let remedy = "give it a row in src/openapi/catalogue.rs, or an entry in src/openapi/operators.json";
    let routes = routes();
    assert!(routes.len() > 40, "the routes of src/web/mod.rs cannot be read any more");
    for (route, methods) in &routes {
        let said: BTreeSet<_> =
            operations().filter(|(_, path, _)| is_of(path, route)).map(|(method, ..)| method).collect();
        let missing: Vec<_> =
            methods.iter().filter(|method| *method != "on" && !said.contains(method.as_str())).collect();
        assert!(!said.is_empty() && missing.is_empty(), "{route} {missing:?}: {remedy}");
    }
    for (method, path, _) in operations() {
        let takes = |methods: &[String]| methods.iter().any(|known| known == method || known == "on");
        let is_there = routes.iter().any(|(route, methods)| is_of(path, route) && takes(methods));
        assert!(is_there, "{method} {path} is in the document and not in the router");
    }
}

#[test]
fn every_fault_of_every_dialect_stands_in_each_of_its_sends() {
    for dialect in dialect::all() {
        let table = document()["x-sabir-faults"][dialect.name()].as_array().unwrap();
        let rows: BTreeMap<_, _> = table.iter().map(|row| (row["kind"].as_str().unwrap(), row)).collect();
        let sends = operations().filter(|(_, path, said)| is_send(path, said) && has_tag(said, dialect.name()));
        let sends: Vec<_> = sends.collect();
        assert!(!sends.is_empty(), "{}", dialect.name());
        for kind in FaultKind::ALL {
            let row = rows.get(kind.code()).unwrap_or_else(|| panic!("{} has no {kind}", dialect.name()));
            assert_eq!(row["verdict"], serde_json::to_value(kind.verdict()).unwrap());
            for (method, path, said) in &sends {
                let status = row["status"].to_string();
                let examples = &said["responses"][&status]["content"]["application/json"]["examples"];
                let name = format!("{}.{kind}", dialect.name());
                assert!(examples[&name].is_object(), "{method} {path} lacks {name} under {status}");
            }
        }
    }
}

fn is_send(path: &str, said: &Value) -> bool {
    !path.starts_with("/admin") && said["parameters"].as_array().unwrap().iter().any(|one| one["name"] == "dry_run")
}

fn has_tag(said: &Value, name: &str) -> bool {
    said["tags"].as_array().unwrap().iter().any(|tag| tag == name)
}

/// Every body that the document speaks of: where, its schema, and its examples.
fn contents() -> Vec<(String, &'static Value)> {
    let mut contents = Vec::new();
    for (method, path, said) in operations() {
        let answers = said["responses"].as_object().unwrap().iter();
        let answers = answers.map(|(status, answer)| (format!("{method} {path} {status}"), &answer["content"]));
        let request = (format!("{method} {path}"), &said["requestBody"]["content"]);
        for (place, types) in answers.chain([request]) {
            contents.extend(types.as_object().into_iter().flatten().map(|(_, content)| (place.clone(), content)));
        }
    }
    contents
}

#[test]
fn every_example_fits_its_schema() {
    let (mut judges, mut count) = (Judges::default(), 0);
    for (place, content) in contents() {
        let named = content["examples"].as_object().into_iter().flatten();
        let named = named.map(|(_, example)| &resolved(example)["value"]);
        for example in named.chain(content.get("example")) {
            let wrong = judges.violations(&content["schema"], example);
            assert!(wrong.is_empty(), "{place}: {wrong:#?}\n{example:#}");
            count += 1;
        }
    }
    assert!(count > 1000, "only {count} examples");
}

/// The path of a call: parameters have their example, or any name.
fn called(path: &str, said: &Value) -> String {
    let parameters = said["parameters"].as_array().unwrap().iter().filter(|one| one["in"] == "path");
    parameters.fold(path.to_owned(), |path, parameter| {
        path.replace(
            &format!("{{{}}}", parameter["name"].as_str().unwrap()),
            parameter["example"].as_str().unwrap_or("any"),
        )
    })
}

#[tokio::test]
async fn every_golden_request_is_taken_on_each_path_and_answered_as_described() {
    let (app, mut judges) = (TestApp::start().await, Judges::default());
    for (method, path, said) in operations().filter(|(_, path, said)| is_send(path, said)) {
        let examples = said["requestBody"]["content"]["application/json"]["examples"].as_object().unwrap();
        for example in examples.values() {
            let body = &resolved(example)["value"];
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
            for query in ["", "?dry_run=true"] {
                let path = format!("{}{query}", called(path, said));
                let place = format!("{method} {path}");
                judges.assert_describes(&place, said, &app.call(app.request(method.clone(), &path, body)).await);
            }
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn every_other_operation_answers_as_described() {
    let (app, mut judges) = (TestApp::start().await, Judges::default());
    for (method, path, said) in operations().filter(|(_, path, said)| !is_send(path, said)) {
        let examples = said["requestBody"]["content"]["application/json"]["examples"].as_object();
        let body =
            examples.and_then(|examples| examples.values().next()).map_or(Value::Null, |one| one["value"].clone());
        let name = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
        let mut request = app.request(name, &called(path, said), &body);
        if has_tag(said, "operators") || has_tag(said, "machines") {
            request.headers_mut().remove("authorization");
        }
        let response = app.fetch(request).await;
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        let answer = Answer { status: response.status().as_u16(), headers: response.headers().clone(), body };
        judges.assert_describes(&format!("{method} {path}"), said, &answer);
    }
    app.stop().await;
}

#[tokio::test]
async fn the_gateway_shows_the_document_and_its_pages_under_a_strict_policy() {
    let app = TestApp::start().await;
    assert_eq!(&app.get("/openapi.json").await.body, document());
    let tags =
        document()["tags"].as_array().unwrap().iter().map(|tag| format!("/docs/{}", tag["name"].as_str().unwrap()));
    for path in tags.chain(["/docs".to_owned()]) {
        let page = app.fetch(app.request(Method::GET, &path, &Value::Null)).await;
        assert_eq!(page.status(), 200, "{path}");
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(page.body().starts_with(b"<!doctype html>"), "{path}");
    }
    assert_eq!(app.get("/docs/nothing").await.status, 404);
    app.stop().await;
}

#[test]
fn the_program_prints_the_same_document() {
    let folder = TempDir::new().unwrap();
    let (code, printed, _) = read(&sabir(folder.path()).arg("openapi").output().unwrap());
    assert_eq!((code, &json(&printed)), (0, document()));
}
