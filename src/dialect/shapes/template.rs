//! `{ "name", "language": { "code" }, "components"?: [ { "type", "parameters" } ] }`
//!
//! Real clients write component types in upper case, `index` as a number or a text and `language` as a plain text;
//! all of that is read, and one form is written.

use serde_json::Value;

use super::{Forms, Object};
use crate::dialect::Translation;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::model::{Component, ComponentKind, Extra, Fault, MediaKind, Parameter, ParameterValue, Template, Warning};

/// Reads a template.
///
/// # Errors
/// When its name or language is missing, or a part has the wrong kind.
pub fn decode_template(mut members: Members, forms: &Forms, warnings: &mut Vec<Warning>) -> Result<Template, Fault> {
    let name = members.text("name", ANY_LENGTH)?;
    let namespace = members.optional_text("namespace", ANY_LENGTH)?;
    let (language, policy, language_extra) = decode_language(&mut members)?;
    let components = members.objects("components")?;
    let components = components
        .into_iter()
        .map(|component| decode_component(component, forms, warnings))
        .collect::<Result<_, _>>()?;
    Ok(Template { name, language, policy, namespace, components, extra: members.rest(), language_extra })
}

fn decode_language(members: &mut Members) -> Result<(String, Option<String>, Extra), Fault> {
    let path = members.path("language");
    match members.require("language", "give the template's language, such as {\"code\": \"en\"}")? {
        Value::String(code) if code.trim().is_empty() => Err(Fault::invalid(path, "is empty; give a language")),
        Value::String(code) if !code.trim_start().starts_with('{') => Ok((code, None, Extra::default())),
        other => {
            let mut language = Members::of(path, other)?;
            let code = language.text("code", ANY_LENGTH)?;
            let policy = language.optional_text("policy", ANY_LENGTH)?;
            Ok((code, policy, language.rest()))
        }
    }
}

fn decode_component(mut members: Members, forms: &Forms, warnings: &mut Vec<Warning>) -> Result<Component, Fault> {
    let kind = match members.text("type", ANY_LENGTH)?.to_ascii_lowercase().as_str() {
        "header" => ComponentKind::Header,
        "body" => ComponentKind::Body,
        "button" | "buttons" => ComponentKind::Button,
        other => ComponentKind::Other(other.to_owned()),
    };
    let sub_type = members.optional_text("sub_type", ANY_LENGTH)?.map(|name| name.to_ascii_lowercase());
    let index = members.optional_whole("index")?;
    let parameters = members.objects("parameters")?;
    let parameters = parameters
        .into_iter()
        .map(|parameter| decode_parameter(parameter, forms, warnings))
        .collect::<Result<_, _>>()?;
    Ok(Component { kind, sub_type, index, parameters, extra: members.rest() })
}

fn decode_parameter(mut members: Members, forms: &Forms, warnings: &mut Vec<Warning>) -> Result<Parameter, Fault> {
    let kind = members.text("type", ANY_LENGTH)?.to_ascii_lowercase();
    let name = members.optional_text("parameter_name", ANY_LENGTH)?;
    let value = match (kind.as_str(), MediaKind::named(&kind)) {
        ("text", _) => ParameterValue::Text(members.text("text", ANY_LENGTH)?),
        ("payload", _) => ParameterValue::Payload(members.text("payload", ANY_LENGTH)?),
        (_, Some(kind)) => {
            let media = members.object(kind.as_str())?;
            ParameterValue::Media((forms.read_media)(kind, media, warnings)?)
        }
        (_, None) => {
            return Ok(Parameter {
                name,
                value: ParameterValue::Other { kind, members: members.rest().0 },
                extra: Extra::default(),
            });
        }
    };
    Ok(Parameter { name, value, extra: members.rest() })
}

/// Writes a template that stands at `template`, without its namespace: who needs one adds it.
///
/// # Errors
/// Where the translation does not allow a loss.
pub fn encode_template(template: &Template, forms: &Forms, translation: &mut Translation<'_>) -> Result<Object, Fault> {
    let mut language = Object::new();
    language.put("code", template.language.as_str());
    language.put_some("policy", &template.policy);
    translation.extra(&template.language_extra, "template.language", &mut language.0);
    let mut object = Object::new();
    object.put("name", template.name.as_str());
    object.put("language", language);
    if !template.components.is_empty() {
        let components = template.components.iter().enumerate();
        let components: Vec<Value> = components
            .map(|(at, component)| encode_component(at, component, forms, translation))
            .collect::<Result<_, _>>()?;
        object.put("components", components);
    }
    translation.extra(&template.extra, "template", &mut object.0);
    Ok(object)
}

fn encode_component(
    at: usize,
    component: &Component,
    forms: &Forms,
    translation: &mut Translation<'_>,
) -> Result<Value, Fault> {
    let path = format!("template.components[{at}]");
    let mut object = Object::new();
    object.put("type", component.kind.as_str());
    object.put_some("sub_type", &component.sub_type);
    object.put_some("index", &component.index.map(|index| index.to_string()));
    if !component.parameters.is_empty() {
        let parameters = component.parameters.iter().enumerate();
        let parameters: Vec<Value> = parameters
            .map(|(at, parameter)| encode_parameter(&format!("{path}.parameters[{at}]"), parameter, forms, translation))
            .collect::<Result<_, _>>()?;
        object.put("parameters", parameters);
    }
    translation.extra(&component.extra, &path, &mut object.0);
    Ok(object.into())
}

fn encode_parameter(
    path: &str,
    parameter: &Parameter,
    forms: &Forms,
    translation: &mut Translation<'_>,
) -> Result<Value, Fault> {
    let mut object = Object::new();
    match &parameter.value {
        ParameterValue::Text(text) => {
            object.put("type", "text");
            object.put("text", text.as_str());
        }
        ParameterValue::Payload(payload) => {
            object.put("type", "payload");
            object.put("payload", payload.as_str());
        }
        ParameterValue::Media(media) => {
            let kind = media.kind.as_str();
            object.put("type", kind);
            object.put(kind, (forms.write_media)(media, &format!("{path}.{kind}"), translation)?);
        }
        ParameterValue::Other { kind, members } => {
            object.put("type", kind.as_str());
            object.0.extend(members.clone());
        }
    }
    object.put_some("parameter_name", &parameter.name);
    translation.extra(&parameter.extra, path, &mut object.0);
    Ok(object.into())
}
