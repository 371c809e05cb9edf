//! Templates, and the `hsm` that they were called until 2.39.
//!
//! Clients send components without parameters, and a footer, which has none to fill: Cloud may refuse them, so they
//! end here. The policy `fallback` is gone since 2.27.8; who still asks for it gets the only one left.

use serde_json::{Map, Value, json};

use super::send::FORMS;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::shapes::{Object, decode_template, encode_template};
use crate::dialect::{Target, Translation};
use crate::model::{Component, ComponentKind, Extra, Fault, FaultKind, Parameter, ParameterValue, Template, Warning};

/// The language of an `hsm` that names none.
const DEFAULT_LANGUAGE: &str = "en";
const POLICY: &str = "deterministic";
const SUB_TYPES: [&str; 2] = ["quick_reply", "url"];
const OTHER_PARAMETERS: [&str; 2] = ["currency", "date_time"];

/// Reads a template.
///
/// # Errors
/// As [`decode_template`].
pub fn decode(members: Members, warnings: &mut Vec<Warning>) -> Result<Template, Fault> {
    let mut template = decode_template(members, &FORMS, warnings)?;
    template.policy = template.policy.and_then(|policy| settled(policy, "template.language.policy", warnings));
    let components = template.components.into_iter().enumerate();
    template.components = components.filter_map(|(at, component)| said(at, component, warnings)).collect();
    Ok(template)
}

/// A policy that says something: the only one that is left goes without saying.
fn settled(policy: String, path: &str, warnings: &mut Vec<Warning>) -> Option<String> {
    if policy.eq_ignore_ascii_case(POLICY) {
        return None;
    }
    if !policy.eq_ignore_ascii_case("fallback") {
        return Some(policy);
    }
    warnings.push(Warning::new(path, format!("fallback is no longer a policy: {POLICY} is taken")));
    None
}

/// The component, if it says anything.
fn said(at: usize, component: Component, warnings: &mut Vec<Warning>) -> Option<Component> {
    let is_footer = matches!(&component.kind, ComponentKind::Other(kind) if kind == "footer");
    if !is_footer {
        return (!is_empty(&component)).then_some(component);
    }
    let parameters = (!component.parameters.is_empty()).then_some("parameters");
    let left_out = parameters.into_iter().chain(component.extra.0.keys().map(String::as_str));
    let text = "a footer has nothing to fill: left out";
    warnings.extend(left_out.map(|member| Warning::new(format!("template.components[{at}].{member}"), text)));
    None
}

/// Buttons of the Cloud API, such as those of flows, mean something without parameters too.
fn is_empty(component: &Component) -> bool {
    let is_known = component.sub_type.as_deref().is_none_or(|sub_type| SUB_TYPES.contains(&sub_type));
    is_known && component.parameters.is_empty() && component.extra.is_empty()
}

/// Gives an `hsm` that names no language that of its account.
pub fn complete(body: &mut Value, language: &str) {
    let Some(Value::Object(hsm)) = body.get_mut("hsm") else { return };
    if hsm.get("language").is_none_or(Value::is_null) {
        hsm.insert("language".to_owned(), json!({ "code": language }));
    }
}

/// Reads an `hsm` as the template that took its place.
///
/// # Errors
/// When its name or the default text of a parameter is missing, or a part has the wrong kind.
pub fn decode_hsm(mut hsm: Members, warnings: &mut Vec<Warning>) -> Result<Template, Fault> {
    let name = hsm.text("element_name", ANY_LENGTH)?;
    let namespace = hsm.optional_text("namespace", ANY_LENGTH)?;
    let (language, policy, language_extra) = decode_hsm_language(&mut hsm, warnings)?;
    let parameters = hsm.objects("localizable_params")?;
    let parameters: Vec<_> =
        parameters.into_iter().map(|parameter| decode_localizable(parameter, warnings)).collect::<Result<_, _>>()?;
    let body =
        Component { kind: ComponentKind::Body, sub_type: None, index: None, parameters, extra: Extra::default() };
    let components = Vec::from_iter((!body.parameters.is_empty()).then_some(body));
    Ok(Template { name, language, policy, namespace, components, extra: hsm.rest(), language_extra })
}

fn decode_hsm_language(
    hsm: &mut Members,
    warnings: &mut Vec<Warning>,
) -> Result<(String, Option<String>, Extra), Fault> {
    let path = hsm.path("language");
    let Some(mut language) = hsm.optional_object("language")? else {
        warnings.push(Warning::new(
            path,
            format!("is missing: {DEFAULT_LANGUAGE} is taken; give one, or set hsm_language of the account"),
        ));
        return Ok((DEFAULT_LANGUAGE.to_owned(), None, Extra::default()));
    };
    let code = language.text("code", ANY_LENGTH)?;
    let policy = language.optional_text("policy", ANY_LENGTH)?;
    let policy = policy.and_then(|policy| settled(policy, &language.path("policy"), warnings));
    Ok((code, policy, language.rest()))
}

/// A parameter with its default text, which stands wherever the recipient's phone cannot word an amount or a date.
fn decode_localizable(mut parameter: Members, warnings: &mut Vec<Warning>) -> Result<Parameter, Fault> {
    let default = parameter.text("default", ANY_LENGTH)?;
    let value = if let Some(mut currency) = parameter.optional_object("currency")? {
        let code = currency.text("currency_code", ANY_LENGTH)?;
        let amount = currency.require("amount_1000", "give the amount times 1000")?;
        let mut said = Object::new();
        said.put("fallback_value", default);
        said.put("code", code);
        said.put("amount_1000", amount);
        said.0.extend(currency.rest().0);
        other("currency", said)
    } else if parameter.take("date_time").is_some() {
        let text = "templates word no dates: the default text is shown";
        warnings.push(Warning::new(parameter.path("date_time"), text));
        let mut said = Object::new();
        said.put("fallback_value", default);
        other("date_time", said)
    } else {
        ParameterValue::Text(default)
    };
    Ok(Parameter { name: None, value, extra: parameter.rest() })
}

fn other(kind: &str, said: Object) -> ParameterValue {
    ParameterValue::Other { kind: kind.to_owned(), members: Map::from_iter([(kind.to_owned(), said.into())]) }
}

/// Writes a template. Its namespace comes from the client, or from the upstream's configuration.
///
/// # Errors
/// When there is no namespace, when a component is of a later age, or where the translation does not allow a loss.
pub fn encode(template: &Template, target: &Target<'_>, translation: &mut Translation<'_>) -> Result<Object, Fault> {
    let Some(namespace) = template.namespace.as_deref().or(target.template_namespace) else {
        let why =
            "templates need a namespace there: give one, or set template_namespace in the upstream's configuration";
        return Err(translation.refuse(FaultKind::MissingMember, "template.namespace", why));
    };
    for (at, component) in template.components.iter().enumerate() {
        check_component(&format!("template.components[{at}]"), component, translation)?;
    }
    let mut object = encode_template(template, &FORMS, translation)?;
    object.put("namespace", namespace);
    // The only one that is left, and required: Cloud's clients do not know it.
    if let Some(Value::Object(language)) = object.0.get_mut("language") {
        language.entry("policy").or_insert_with(|| POLICY.into());
    }
    Ok(object)
}

/// What the Cloud API has beyond this dialect is refused and never left out, as a template makes no sense without it.
/// What the dialect's own clients send is passed on: some of its servers learnt more than the reference tells.
fn check_component(path: &str, component: &Component, translation: &Translation<'_>) -> Result<(), Fault> {
    if translation.keeps_members() {
        return Ok(());
    }
    let refuse =
        |member: &str, why| Err(translation.refuse(FaultKind::UnsupportedMember, format_args!("{path}.{member}"), why));
    if matches!(component.kind, ComponentKind::Other(_)) {
        return refuse("type", "it has header, body and button");
    }
    if component.sub_type.as_deref().is_some_and(|sub_type| !SUB_TYPES.contains(&sub_type)) {
        return refuse("sub_type", "it has quick_reply and url");
    }
    for (at, parameter) in component.parameters.iter().enumerate() {
        if parameter.name.is_some() {
            return refuse(&format!("parameters[{at}].parameter_name"), "it fills placeholders by their order");
        }
        if matches!(&parameter.value, ParameterValue::Other { kind, .. } if !OTHER_PARAMETERS.contains(&kind.as_str()))
        {
            return refuse(&format!("parameters[{at}].type"), "it has text, payload, media, currency and date_time");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Losses, named, samples};
    use crate::model::{Content, Request, TransactionId};

    fn template(sample: &str) -> Template {
        let sample = samples().iter().find(|found| found.name == sample).unwrap();
        match sample.request().unwrap() {
            Request::Send(message) => match message.content {
                Content::Template(template) => template,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn encoded(template: &Template, client: &str, namespace: Option<&str>) -> Result<Object, Fault> {
        let transaction: TransactionId = "0199c0de-7a11-7000-8000-2b7e1c905d44".parse().unwrap();
        let target = Target { correlation: Some(transaction), template_namespace: namespace, ..Target::default() };
        let (client, upstream) = (named(client).unwrap(), named("on-premises").unwrap());
        encode(template, &target, &mut Translation::new(client, upstream, Losses::Warn))
    }

    #[test]
    fn the_namespace_comes_from_the_configuration_where_the_client_gives_none() {
        let object = encoded(&template("template"), "cloud", Some("depot_ns")).unwrap();
        assert_eq!(object.0["namespace"], "depot_ns");
        let object = encoded(&template("template_namespaced"), "cloud", Some("depot_ns")).unwrap();
        assert_eq!(object.0["namespace"], "acme_ns_91c2");
    }

    #[test]
    fn without_a_namespace_the_remedy_is_named() {
        let fault = encoded(&template("template"), "cloud", None).err().unwrap();
        assert_eq!(fault.kind, FaultKind::MissingMember);
        assert!(fault.detail.contains("template_namespace"), "{fault}");
    }

    #[test]
    fn placeholders_with_names_are_refused_unless_the_client_speaks_this_dialect() {
        let fault = encoded(&template("template_rich"), "cloud", Some("ns")).err().unwrap();
        assert_eq!(fault.member.as_deref(), Some("template.components[1].parameters[0].parameter_name"));
        assert!(encoded(&template("template_rich"), "on-premises", Some("ns")).is_ok());
    }
}
