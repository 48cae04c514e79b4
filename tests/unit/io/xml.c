#include "io/xml.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/tap.h"

#define HEAD                                                                                                 \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "                                         \
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define TAIL "</ListBucketResult>"
#define OBJECT(key)                                                                                          \
    "<Contents><Key>" key "</Key><LastModified>2022-06-05T12:13:14.567Z</LastModified>"                      \
    "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>42</Size><StorageClass>STANDARD</"       \
    "StorageClass>"                                                                                          \
    "<Owner><ID>id</ID><DisplayName>n</DisplayName></Owner></Contents>"
#define DONE "<IsTruncated>false</IsTruncated>"

static struct xml_page page_of(const char *text)
{
    struct xml_page page;
    struct err err;

    must_rc(xml_list_page(text, strlen(text), &page, &err), &err);
    return page;
}

static void refused(const char *text, const char *why)
{
    struct xml_page page;
    struct err err = {0};

    fails(xml_list_page(text, strlen(text), &page, &err), &err, ERR_BAD_RESPONSE);
    if (!ok(strstr(err.msg, why) != NULL))
        diag("%s", err.msg);
    ok(page.objects == NULL && page.next_token == NULL && page.arena == NULL);
}

TEST(a_page_as_aws_sends_it)
{
    struct xml_page page = page_of(
        HEAD "<Name>b</Name><Prefix>a%2F</Prefix><NextContinuationToken>1+2/3==</NextContinuationToken>"
             "<KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><EncodingType>url</EncodingType>"
             "<IsTruncated>true</IsTruncated>" OBJECT("a/one%2B+%25%0A%C3%A9.csv") OBJECT("a/two.csv") TAIL);

    is_int(page.count, 2);
    is_str(page.objects[0].key, "a/one+ %\n\xc3\xa9.csv");
    is_str(page.objects[1].key, "a/two.csv");
    is_str(page.objects[0].etag, "d41d8cd98f00b204e9800998ecf8427e");
    is_int(page.objects[0].size, 42);
    is_int(page.objects[0].modified_ms, 1654431194567);
    ok(page.truncated);
    is_str(page.next_token, "1+2/3==");
    xml_page_release(&page);
}

TEST(a_key_is_decoded_only_where_the_server_says_it_is_encoded)
{
    struct xml_page page = page_of(HEAD DONE OBJECT("a%2B+&amp;&lt;&#x41; ") TAIL);

    is_str(page.objects[0].key, "a%2B+&<A ");
    xml_page_release(&page);
}

TEST(the_encoding_may_be_named_after_the_keys_and_names_may_have_a_prefix)
{
    struct xml_page page = page_of(
        "<s:ListBucketResult xmlns:s='http://doc.s3.amazonaws.com/2006-03-01/'>"
        "<s:Contents><s:Size>0</s:Size><s:ETag>abc-2</s:ETag><s:Key>x%20y</s:Key>"
        "<s:LastModified>2022-06-05T12:13:14Z</s:LastModified></s:Contents>"
        "<s:IsTruncated>false</s:IsTruncated><s:EncodingType>url</s:EncodingType></s:ListBucketResult>");

    is_int(page.count, 1);
    is_str(page.objects[0].key, "x y");
    is_str(page.objects[0].etag, "abc-2");
    xml_page_release(&page);
}

TEST(an_empty_page_is_a_page)
{
    struct xml_page page = page_of(HEAD DONE TAIL);

    is_int(page.count, 0);
    ok(!page.truncated);
    xml_page_release(&page);
}

TEST(a_page_that_could_hide_objects_is_an_error)
{
    refused(HEAD "<IsTruncated>true</IsTruncated>" OBJECT("a") TAIL, "no continuation token");
    refused(HEAD "<IsTruncated>true</IsTruncated><NextContinuationToken> </NextContinuationToken>" TAIL,
            "no continuation token");
    refused(HEAD OBJECT("a") TAIL, "complete");
    refused(HEAD "<IsTruncated>maybe</IsTruncated>" TAIL, "neither");
    refused(HEAD DONE OBJECT("a"), "");
    refused(HEAD DONE OBJECT("a") "</ListBucket", "");
    refused("", "empty");
    refused("<html><body>log in here</body></html>", "<html>");
    refused("<Error><Code>SlowDown</Code></Error>", "<Error>");
    refused("not xml", "well-formed");
    refused(HEAD DONE TAIL "<more/>", "");
}

TEST(an_object_with_a_part_missing_or_wrong_is_an_error)
{
    refused(HEAD DONE "<Contents><Key>a</Key><ETag>x</ETag><LastModified>2022-06-05T12:13:14Z</"
                      "LastModified></Contents>" TAIL,
            "without a size");
    refused(HEAD DONE "<Contents><Key>a</Key><Size>1</Size><LastModified>2022-06-05T12:13:14Z</"
                      "LastModified></Contents>" TAIL,
            "without an ETag");
    refused(HEAD DONE "<Contents><Size>1</Size><ETag>x</ETag><LastModified>2022-06-05T12:13:14Z</"
                      "LastModified></Contents>" TAIL,
            "without a key");
    refused(HEAD DONE "<Contents><Key>a</Key><Size>1</Size><ETag>x</ETag></Contents>" TAIL, "without a time");
    refused(
        HEAD DONE
        "<Contents><Key></Key><Size>1</Size><ETag>x</ETag><LastModified>2022-06-05T12:13:14Z</LastModified>"
        "</Contents>" TAIL,
        "key of 0");
    refused(HEAD DONE "<Contents><Size>-1</Size></Contents>" TAIL, "no number");
    refused(HEAD DONE "<Contents><Size>12x</Size></Contents>" TAIL, "no number");
    refused(HEAD DONE "<Contents><Size>99999999999999999999</Size></Contents>" TAIL, "no number");
    refused(HEAD DONE "<Contents><LastModified>yesterday</LastModified></Contents>" TAIL, "no time");
    refused(HEAD DONE "<Contents><ETag>a\nb</ETag></Contents>" TAIL, "ETag");
    refused(HEAD DONE "<EncodingType>url</EncodingType>" OBJECT("a%2") TAIL, "% sequence");
    refused(HEAD DONE "<EncodingType>url</EncodingType>" OBJECT("a%00b") TAIL, "% sequence");
}

TEST(entities_and_document_types_are_refused)
{
    refused("<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
            "\"&a;&a;&a;&a;&a;&a;\">]><ListBucketResult>&b;" DONE TAIL,
            "document type");
    refused("<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><ListBucketResult>" DONE TAIL, "document type");
    refused(HEAD DONE OBJECT("a&nbsp;b") TAIL, "");
}

TEST(sizes_are_bounded)
{
    struct buf b = BUF_INIT(2 * MAX_XML_PAGE);
    struct err err;

    must_rc(buf_adds(&b, HEAD DONE "<Contents><Key>", &err), &err);
    for (int i = 0; i < 30000; i++)
        must_rc(buf_adds(&b, "k", &err), &err);
    must_rc(buf_adds(&b, "</Key></Contents>" TAIL, &err), &err);
    refused(b.p, "longer than");
    buf_clear(&b);
    for (int i = 0; i < 5000; i++)
        must_rc(buf_adds(&b, i == 0 ? HEAD : "<a>", &err), &err);
    refused(b.p, "");
    buf_release(&b);
}

TEST(a_thousand_objects_come_in_order)
{
    struct buf b = BUF_INIT(MAX_XML_PAGE);
    struct err err;
    char key[32];

    must_rc(buf_adds(&b, HEAD DONE, &err), &err);
    for (int i = 0; i < 3000; i++)
        must_rc(buf_addf(&b, &err, OBJECT("k%05d"), i), &err);
    must_rc(buf_adds(&b, TAIL, &err), &err);
    struct xml_page page = page_of(b.p);
    is_int(page.count, 3000);
    for (size_t i = 0; i < page.count; i++) {
        snprintf(key, sizeof key, "k%05zu", i);
        must(strcmp(page.objects[i].key, key) == 0);
    }
    xml_page_release(&page);
    buf_release(&b);
}

TEST(an_error_document)
{
    struct xml_s3_error e;
    const char *text =
        "<?xml version='1.0'?><Error><Code>AuthorizationHeaderMalformed</Code><Message>wrong\x1b[31m region"
        "</Message><Region>eu-west-1</Region><RequestId>1</RequestId></Error>";

    ok(!xml_s3_error(text, strlen(text), &e)); /* an escape character is not XML */
    is_str(e.code, "");
    text = "<?xml version='1.0'?><Error><Code>AuthorizationHeaderMalformed</Code><Message>wrong &#x85;\n "
           "region</Message>"
           "<Region>eu-west-1</Region><BucketName>b</BucketName><RequestId>1</RequestId></Error>";
    must(xml_s3_error(text, strlen(text), &e));
    is_str(e.code, "AuthorizationHeaderMalformed");
    is_str(e.message, "wrong \\xc2\\x85\\x0a region");
    is_str(e.region, "eu-west-1");
    is_str(e.bucket, "b");
    ok(!xml_s3_error("<html/>", 7, &e));
    ok(!xml_s3_error("", 0, &e));
    ok(!xml_s3_error("<Error><Message>x</Message></Error>", 35, &e));
    is_str(e.message, "");
}

/* ---- uploads in pieces ---- */

#define ENDED(inside)                                                                                        \
    "<?xml version=\"1.0\"?><CompleteMultipartUploadResult>" inside "</CompleteMultipartUploadResult>"
#define BEGUN(inside) "<InitiateMultipartUploadResult><Key>k</Key>" inside "</InitiateMultipartUploadResult>"
#define LISTED(inside)                                                                                       \
    "<?xml version=\"1.0\"?><ListMultipartUploadsResult "                                                    \
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" inside "</ListMultipartUploadsResult>"
#define UPLOAD(key, id)                                                                                      \
    "<Upload><Key>" key "</Key><UploadId>" id "</UploadId><Owner><ID>UploadId</ID></Owner>"                  \
    "<Initiated>2022-06-05T12:13:14.567Z</Initiated></Upload>"

TEST(the_answers_to_an_upload_in_pieces)
{
    char *id = NULL, *etag = NULL, *late = NULL;
    struct err err;
    const char *begun = BEGUN("<UploadId> 2~x/y </UploadId>"),
               *ended = ENDED("<ETag>&quot;ab-2&quot;</ETag>"),
               *slow = "  \n " ENDED("<ETag>ab-2</ETag>") "\n";

    must_rc(xml_upload_id(begun, strlen(begun), &id, &err), &err);
    is_str(id, "2~x/y");
    must_rc(xml_completed(ended, strlen(ended), &etag, &err), &err);
    is_str(etag, "ab-2");
    must_rc(xml_completed(slow, strlen(slow), &late, &err), &err);
    is_str(late, "ab-2");
    free(id);
    free(etag);
    free(late);
}

TEST(upload_ids_that_could_split_a_request_are_refused)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {BEGUN(""), "lacks UploadId"},
        {BEGUN("<UploadId></UploadId>"), "of 0 bytes"},
        {BEGUN("<UploadId>a b</UploadId>"), "is none"},
        {BEGUN("<UploadId>a&#13;&#10;Host: b</UploadId>"), "is none"},
        {BEGUN("<UploadId>a</UploadId><UploadId>b</UploadId>"), "twice"},
        {ENDED("<ETag>\"a\"</ETag>"), "<CompleteMultipartUploadResult>"},
        {"<Error><Code>InternalError</Code></Error>", "<Error>"},
        {"", "empty"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *id = NULL;
        struct err err = {0};
        fails(xml_upload_id(rows[i].text, strlen(rows[i].text), &id, &err), &err, ERR_BAD_RESPONSE);
        if (!ok(strstr(err.msg, rows[i].why) != NULL))
            diag("%s", err.msg);
        ok(id == NULL);
    }
}

TEST(a_listing_of_uploads)
{
    struct xml_uploads page;
    struct err err;
    const char *plain = LISTED("<IsTruncated>false</IsTruncated>" UPLOAD("a%2B+\xc3\xa9\n", "1~x")
                                   UPLOAD("b", "2")),
               *encoded =
                   LISTED("<EncodingType>url</EncodingType><NextKeyMarker>a%0Ab</NextKeyMarker>"
                          "<NextUploadIdMarker>7</NextUploadIdMarker><IsTruncated>true</IsTruncated>" UPLOAD(
                              "a%2B+c", "1"));

    must_rc(xml_uploads(plain, strlen(plain), &page, &err), &err);
    must(page.count == 2);
    is_str(page.uploads[0].key, "a%2B+\xc3\xa9\n");
    is_str(page.uploads[0].id, "1~x");
    is_int(page.uploads[0].initiated_ms, 1654431194567);
    is_str(page.uploads[1].key, "b");
    ok(!page.truncated);
    xml_uploads_release(&page);
    must_rc(xml_uploads(encoded, strlen(encoded), &page, &err), &err);
    must(page.count == 1);
    is_str(page.uploads[0].key, "a+ c");
    is_str(page.next_key, "a\nb");
    is_str(page.next_id, "7");
    ok(page.truncated);
    xml_uploads_release(&page);
    xml_uploads_release(&page);
}

TEST(a_listing_of_uploads_that_could_lose_one_is_refused)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {LISTED(UPLOAD("a", "1")), "IsTruncated"},
        {LISTED("<IsTruncated>maybe</IsTruncated>"), "IsTruncated"},
        {LISTED("<IsTruncated>true</IsTruncated>" UPLOAD("a", "1")), "not where"},
        {LISTED("<IsTruncated>false</IsTruncated><Upload><Key>a</Key></Upload>"), "without"},
        {LISTED("<IsTruncated>false</IsTruncated>" UPLOAD("", "1")), "key of 0"},
        {LISTED("<IsTruncated>false</IsTruncated>" UPLOAD("a", "\"")), "is none"},
        {LISTED("<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>" UPLOAD("a%00", "1")), "%"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct xml_uploads page;
        struct err err = {0};
        fails(xml_uploads(rows[i].text, strlen(rows[i].text), &page, &err), &err, ERR_BAD_RESPONSE);
        if (!ok(strstr(err.msg, rows[i].why) != NULL))
            diag("%s", err.msg);
        ok(page.uploads == NULL && page.next_key == NULL && page.arena == NULL);
    }
}
